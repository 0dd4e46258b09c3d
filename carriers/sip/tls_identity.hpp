#pragma once
// Whether a carrier's certificate proves its SIP domain (RFC 5922 7): pure. Unlike on the web no wildcard stands for anything (7.2), and a
// certificate with a sip: URI is good for the domains of its URIs alone (7.1).
#include <string>
#include <string_view>
#include <vector>

namespace linekeeper::sip {

/// What a certificate says of whom it is.
struct CertificateNames {
  std::vector<std::string> uris, dns, addresses;  ///< of subjectAltName: URI, dNSName, iPAddress as text
  bool alternatives = false;                      ///< it has a subjectAltName
  std::string common_name;                        ///< the last CN of the subject; empty: none
};

/// @param domain host name, or a numeric address, which only an iPAddress proves
[[nodiscard]] bool proves(const CertificateNames& names, std::string_view domain);

}  // namespace linekeeper::sip
