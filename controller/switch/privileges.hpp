#pragma once
// Giving up everything but CAP_NET_ADMIN (capabilities(7)), once, at the start.
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "controller/model/error.hpp"

namespace linekeeper::route {

struct Identity {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// @param name_or_number a user name, or a number (which needs no entry in the user database).
[[nodiscard]] model::Result<Identity> find_user(const std::string& name_or_number);

/// Becomes `user` where that is possible, then keeps CAP_NET_ADMIN alone: bounding, ambient and inheritable sets emptied,
/// securebits set so that no exec brings anything back, no_new_privs.
/// @return one line for each thing that could not be done here (a user namespace without that user, say).
[[nodiscard]] model::Result<std::vector<std::string>> keep_net_admin_only(const std::optional<Identity>& user);

}  // namespace linekeeper::route
