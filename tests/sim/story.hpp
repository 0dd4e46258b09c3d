#pragma once
// What a run has to say: its story (when it is asked for), a fingerprint of everything that happened, and the first invariant that broke.
#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/time.hpp"
#include "tests/sim/script.hpp"

namespace linekeeper::sim {

struct Violation {
  std::string invariant;  ///< "I1", ..., "availability"
  std::string sentence;
  model::Instant at{};
};

enum class Telling : std::uint8_t {
  Silent,
  Aloud,  ///< printed as it happens
  Kept,   ///< for whoever asks afterwards
};

struct StoryLine {
  model::Instant at{};
  std::string words;
};

class Story {
 public:
  explicit Story(Telling telling) : telling_(telling) {}

  /// One line; the words are made only when somebody listens.
  template <class... A>
  void tell(model::Instant now, fmt::format_string<A...> words, A&&... args) {
    if (telling_ == Telling::Silent) return;
    say(now, fmt::format(words, std::forward<A>(args)...));
  }
  /// Of this part of a run: one line each, with the time since it began.
  [[nodiscard]] static std::string line(model::Instant at, std::string_view words) {
    return fmt::format("{:10.3f}  {}\n", model::seconds(at - kBegin), words);
  }
  /// Something that must be the same when the run is repeated.
  void mark(std::uint64_t value) { fingerprint_ = (fingerprint_ ^ value) * 0x100000001b3ULL; }
  void mark(std::string_view words) {
    for (const char c : words) mark(std::uint64_t{static_cast<unsigned char>(c)});
  }
  void broken(std::string invariant, std::string sentence, model::Instant at) {
    tell(at, "!!! {}: {}", invariant, sentence);
    if (!first_) first_ = Violation{std::move(invariant), std::move(sentence), at};
  }
  [[nodiscard]] bool listened_to() const { return telling_ != Telling::Silent; }
  [[nodiscard]] const std::vector<StoryLine>& kept() const { return kept_; }
  [[nodiscard]] const std::optional<Violation>& first() const { return first_; }
  [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  void say(model::Instant now, std::string words) {
    if (telling_ == Telling::Aloud)
      fmt::print("{}", line(now, words));
    else
      kept_.push_back({now, std::move(words)});
  }

  Telling telling_;
  std::vector<StoryLine> kept_;
  std::optional<Violation> first_;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325ULL;
};

}  // namespace linekeeper::sim
