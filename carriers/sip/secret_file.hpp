#pragma once
// A password, from a file that nobody else can read or from systemd (systemd.exec(5), LoadCredential=). Never from the configuration,
// which people send each other; never in a message of ours.
#include <string>

#include "controller/model/error.hpp"

namespace linekeeper::sip {

inline constexpr std::size_t kLongestSecret = 1024;  ///< bytes

/// @param file  an absolute path: a file of ours or root's that only its owner can read (mode 0600 or less). A name without a slash: under
///              $CREDENTIALS_DIRECTORY, which systemd guards itself.
/// @return its first line without the end of line; an error when there is none, it is too long, or others could read it
[[nodiscard]] model::Result<std::string> read_secret(const std::string& file);

}  // namespace linekeeper::sip
