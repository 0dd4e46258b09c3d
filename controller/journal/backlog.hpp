#pragma once
// Events that wait for the disk: a bounded queue. When it is full the oldest of the least severe goes, so that a long
// failure keeps the alerts and loses the small talk. Pure; the journal locks around it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "controller/model/event.hpp"

namespace linekeeper::journal {

struct Pending {
  model::Event event;
  std::function<void(const model::Event&)> on_written;  // may be null
  std::uint64_t order = 0;                              // given by the backlog: the order in which they came
};

class Backlog {
 public:
  explicit Backlog(std::size_t capacity) : capacity_(capacity) {}

  /// What had to go is handed out: its callback must be destroyed where it was made, not on the writer's thread.
  [[nodiscard]] std::vector<Pending> add(Pending pending);
  [[nodiscard]] std::deque<Pending> take();  ///< all, oldest first
  /// What take() gave, ahead of what came since.
  [[nodiscard]] std::vector<Pending> put_back(std::deque<Pending> unwritten);
  /// The journal is closed and they could not be written.
  [[nodiscard]] std::vector<Pending> drop_all();

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  std::vector<Pending> shrink_to(std::size_t capacity);

  std::size_t capacity_;
  std::array<std::deque<Pending>, 4> by_severity_;  // each in order: the next to go is always at a front
  std::size_t size_ = 0;
  std::uint64_t next_order_ = 0;
  std::uint64_t dropped_ = 0;
};

/// The event with its texts cut to what a journal needs: some of them quote what came from the wire.
[[nodiscard]] model::Event clipped(model::Event event);
inline constexpr std::size_t kLongestText = 4096;  ///< bytes of one text
inline constexpr std::size_t kMostFields = 64;

}  // namespace linekeeper::journal
