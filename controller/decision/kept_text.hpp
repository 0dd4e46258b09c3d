#pragma once
// Reads the one-line texts in which detectors keep what they learned over a restart: a header with a version, then numbers. The file
// they come from may be damaged or another's: every number has bounds, and one mistake spoils the whole.
#include <charconv>
#include <cmath>
#include <string_view>

namespace linekeeper::decision {

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
  /// Everything asked for was there, and nothing else.
  [[nodiscard]] bool complete() const { return sound_ && (rest_.empty() || rest_ == "\n"); }
  [[nodiscard]] bool sound() const { return sound_; }

 private:
  std::string_view rest_;
  bool sound_;
};

}  // namespace linekeeper::decision
