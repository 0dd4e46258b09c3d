#pragma once
// Text of another program, fit for a log line: what is no printable ASCII as '?', cut after 200 bytes.
#include <string>
#include <string_view>

namespace linekeeper::trunks {

inline std::string told(std::string_view text) {
  std::string fit(text.substr(0, 200));
  for (char& c : fit)
    if (c < ' ' || c > '~') c = '?';
  return fit;
}

}  // namespace linekeeper::trunks
