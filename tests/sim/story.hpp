#pragma once
// What a run has to say: its story (when it is asked for), a fingerprint of everything that happened, and the first invariant that broke.
#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/time.hpp"

namespace linekeeper::sim {

struct Violation {
  std::string invariant;  ///< "I1", ..., "availability"
  std::string sentence;
  model::Instant at{};
};

class Story {
 public:
  explicit Story(bool aloud) : aloud_(aloud) {}

  /// One line; the words are made only when somebody listens.
  template <class... A>
  void tell(model::Instant now, fmt::format_string<A...> words, A&&... args) {
    if (aloud_) fmt::print("{:10.3f}  {}\n", model::seconds(now.time_since_epoch()), fmt::format(words, std::forward<A>(args)...));
  }
  /// Something that must be the same when the run is repeated.
  void mark(std::uint64_t value) { fingerprint_ = (fingerprint_ ^ value) * 0x100000001b3ULL; }
  void mark(std::string_view words) {
    for (const char c : words) mark(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  }
  void broken(std::string invariant, std::string sentence, model::Instant at) {
    tell(at, "!!! {}: {}", invariant, sentence);
    if (!first_) first_ = Violation{std::move(invariant), std::move(sentence), at};
  }
  [[nodiscard]] bool aloud() const { return aloud_; }
  [[nodiscard]] const std::optional<Violation>& first() const { return first_; }
  [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  bool aloud_;
  std::optional<Violation> first_;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325ULL;
};

}  // namespace linekeeper::sim
