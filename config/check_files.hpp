#pragma once
// What a configuration names and does not hold: files of certificates and keys. Apart from the loader, which opens nothing but the
// configuration: a certificate that is missing must not keep a daemon from starting that has lines to look after.
#include <vector>

#include "config/loader.hpp"

namespace linekeeper::config {

/// Readable, of the right kind, and the key fits its certificate. For `config check`, by whoever runs it.
/// @return in the order of the file
[[nodiscard]] std::vector<Problem> check_files(const model::Site& site);

}  // namespace linekeeper::config
