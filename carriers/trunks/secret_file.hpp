#pragma once
// A password or key that stands on one line of a file, and nowhere else.
#include <functional>
#include <string>

#include "controller/model/error.hpp"

namespace linekeeper::trunks {

/// Asked for at each login, so that a new secret counts from the next one on.
using SecretSource = std::function<model::Result<std::string>()>;

/// The first line without white space at its ends. An error where it cannot be read, is empty, is longer than 512 bytes, or where others
/// than the owner and, for reading, its group may touch the file.
[[nodiscard]] model::Result<std::string> read_secret(const std::string& path);

}  // namespace linekeeper::trunks
