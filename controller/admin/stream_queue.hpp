#pragma once
// What waits for one reader of an event stream. Bounded: a slow reader loses the oldest records and is told how many. A message
// without an id is a state, not a record: a newer one of its type replaces the one that still waits, so that a slow reader
// sees the present and not a film of the past. Pure.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace linekeeper::admin {

class StreamQueue {
 public:
  /// @param messages_max at least 1  @param bytes_max of all that waits; one message larger than this still passes, alone
  StreamQueue(std::size_t messages_max, std::size_t bytes_max);

  void push(std::string_view id, std::string_view event, std::string_view data);
  void push_comment(std::string_view text);  ///< heartbeat; only when nothing waits, since anything else proves life as well

  /// Takes what goes out next: whole messages, as many as fit `bytes` and at least one; a comment about losses comes first. Empty: nothing waits.
  [[nodiscard]] std::string take(std::size_t bytes);
  [[nodiscard]] bool empty() const { return waiting_.empty() && lost_ == 0; }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] std::uint64_t lost() const { return lost_total_; }

 private:
  struct Message {
    std::string state;  ///< event type of a state, empty for a record
    std::string text;
  };
  void append(Message message);

  std::size_t messages_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::deque<Message> waiting_;
  std::uint64_t lost_ = 0;  ///< since the reader was last told
  std::uint64_t lost_total_ = 0;
};

}  // namespace linekeeper::admin
