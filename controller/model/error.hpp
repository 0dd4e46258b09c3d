#pragma once
// An environment call that failed: what was tried, why it failed, what to do. (Probe outcomes, configuration mistakes
// and bugs are three other kinds and never look like this; see the house rules in the top README.)
#include <expected>
#include <string>

namespace linekeeper::model {

struct Error {
  std::string what;    ///< what was tried and what happened: "cannot open /run/x: Permission denied"
  std::string remedy;  ///< what the reader should do next; may be empty when `what` says it all
  int code = 0;        ///< errno, or 0

  /// "what: remedy" on one line, for logs.
  [[nodiscard]] std::string to_string() const { return remedy.empty() ? what : what + ". " + remedy; }
};

template <class T>
using Result = std::expected<T, Error>;

}  // namespace linekeeper::model
