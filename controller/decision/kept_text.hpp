#pragma once
// Reads the one-line texts in which detectors keep what they learned over a restart: a header with a version, then numbers. The file
// they come from may be damaged or another's: every number has bounds, and one mistake spoils the whole.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::decision {

inline constexpr double kOldestKept = 1e9;  ///< seconds: thirty years

/// How long before `now` a moment was, to be kept; -1: there was none.
[[nodiscard]] inline double seconds_before(model::Instant now, std::optional<model::Instant> at) {
  return at ? std::clamp(model::seconds(now - *at), 0.0, kOldestKept) : -1.0;
}
/// When a text of that age was written. A wall clock that was set back makes an age negative: then it counts as none.
[[nodiscard]] inline model::Instant written_before(model::Instant now, model::Duration age) {
  return now - std::clamp(age, model::Duration::zero(), std::chrono::duration_cast<model::Duration>(std::chrono::duration<double>(kOldestKept)));
}

/// " north=... south=...": what was kept of each carrier, by its name. @return nothing: it is not written so
[[nodiscard]] inline std::optional<std::vector<std::pair<std::string_view, std::string_view>>> kept_by_carrier(std::string_view rest) {
  std::vector<std::pair<std::string_view, std::string_view>> out;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view one = rest.substr(0, rest.find(' '));
    rest.remove_prefix(one.size());
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    out.emplace_back(one.substr(0, equals), one.substr(equals + 1));
  }
  return out;
}

class KeptText {
 public:
  KeptText(std::string_view text, std::string_view header) : rest_(text), sound_(text.starts_with(header)) {
    if (sound_) rest_.remove_prefix(header.size());
  }

  /// The next number. @return `least` when there is none within the bounds; complete() then says no
  double number(double least, double most) {
    double value = least;
    if (sound_ && rest_.starts_with(' ')) {
      rest_.remove_prefix(1);
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      sound_ = error == std::errc{} && std::isfinite(value) && value >= least && value <= most;
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    } else {
      sound_ = false;
    }
    return sound_ ? value : least;
  }
  /// The next moment, as seconds_before() wrote it. @param written  when, by the clock that is read by
  std::optional<model::Instant> moment(model::Instant written) {
    const double before = number(-1, kOldestKept);
    if (before < 0) return std::nullopt;
    return written - std::chrono::duration_cast<model::Duration>(std::chrono::duration<double>(before));
  }
  /// Everything asked for was there, and nothing else.
  [[nodiscard]] bool complete() const { return sound_ && (rest_.empty() || rest_ == "\n"); }
  [[nodiscard]] bool sound() const { return sound_; }

 private:
  std::string_view rest_;
  bool sound_;
};

}  // namespace linekeeper::decision
