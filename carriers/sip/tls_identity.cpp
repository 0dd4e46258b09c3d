#include "carriers/sip/tls_identity.hpp"

#include <algorithm>
#include <optional>

#include "carriers/sip/message_head.hpp"
#include "controller/model/ip_address.hpp"

namespace linekeeper::sip {
namespace {

/// Without the dot of the root, in lower case.
std::string host(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower(name);
}

/// The domain of a sip: URI without a user (RFC 5922 7.1); nothing of any other.
std::optional<std::string> sip_domain(std::string_view uri) {
  constexpr std::string_view scheme = "sip:";
  if (lower(uri.substr(0, scheme.size())) != scheme) return std::nullopt;
  uri.remove_prefix(scheme.size());
  uri = uri.substr(0, uri.find_first_of(";?"));
  if (uri.empty() || uri.contains('@') || uri.contains(':')) return std::nullopt;
  return host(uri);
}

}  // namespace

bool proves(const CertificateNames& names, std::string_view domain) {
  const std::string wanted = host(domain);
  if (wanted.empty()) return false;
  if (const auto address = model::IpAddress::parse(wanted))
    return std::ranges::any_of(names.addresses, [&](const std::string& one) { return model::IpAddress::parse(one) == address; });
  const auto same = [&](const std::string& one) { return !one.contains('\0') && host(one) == wanted; };
  bool has_sip = false;
  for (const std::string& uri : names.uris) {
    const auto proven = sip_domain(uri);
    has_sip = has_sip || proven;
    if (proven == wanted) return true;
  }
  if (has_sip) return false;
  if (names.alternatives) return std::ranges::any_of(names.dns, same);
  return same(names.common_name);
}

}  // namespace linekeeper::sip
