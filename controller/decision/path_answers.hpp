#pragma once
// What answers say of a path beyond life and death (path_health.hpp): the code that is usual, whether the carrier knows us, and so whether
// it would take calls. Kept over restarts as text, so that a change during one is noticed.
#include <string>
#include <string_view>

#include "controller/decision/authorisation.hpp"
#include "controller/decision/reply_baseline.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

struct PathAnswers {
  ReplyBaseline baseline;
  Authorisation authorisation;

  /// The three layers and what they are made of. @param path its verdict and last code are filled
  void fill(model::PathStatus& path) const;
  [[nodiscard]] std::string to_text() const;
  bool recall(std::string_view text);
};

}  // namespace linekeeper::decision
