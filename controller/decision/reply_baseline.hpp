#pragma once
// What a carrier usually says to OPTIONS on one path. Many healthy carriers answer 404 or 405 for ever: what matters is that the code is
// another than it was (200, then 403). So a code is usual once it has come often enough, several may be usual at once (a farm whose nodes
// differ), and a code that is not usual is an alarm: once, until something usual comes again.
//
// Only codes that mean service are learned: 503 never becomes usual, however long the carrier is in trouble.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/model/observation.hpp"

namespace linekeeper::decision {

class ReplyBaseline {
 public:
  static constexpr int kUsualAfter = 10;  ///< answers of a new code until it is usual; the very first code is at once

  /// @return true: this code is not usual, and was not told yet
  bool on(int code, model::ReplyClass reply);
  /// The code that comes most; 0: none is known.
  [[nodiscard]] int usual() const;
  [[nodiscard]] bool usual(int code) const;

  [[nodiscard]] std::string to_text() const;  ///< "200:20,404:3"; empty when nothing is known
  /// @return false, and nothing is changed: to_text() writes no such thing
  bool recall(std::string_view text);

 private:
  static constexpr int kMost = 20;  // counted up to here: what has not come for as many others is on its way out

  struct Seen {
    int code = 0;  // 0: free
    int times = 0;
  };
  void count(int code);

  std::array<Seen, 4> seen_{};
  int told_ = 0;          // of the alarm that stands; 0: none
  int since_fading_ = 0;  // answers since all were counted down by one
};

}  // namespace linekeeper::decision
