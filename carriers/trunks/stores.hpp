#pragma once
// The wires of the PBXs that are spoken to over TCP or MI; each one's file says what is asked of it.
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "carriers/trunks/wire.hpp"

namespace linekeeper::trunks {

/// AstDB by AMI (snippet: carriers/trunks/asterisk/).
[[nodiscard]] std::unique_ptr<Wire> make_asterisk_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx);
/// Global variables by ESL (snippet: carriers/trunks/freeswitch/).
[[nodiscard]] std::unique_ptr<Wire> make_freeswitch_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx);
/// A cachedb by MI over a local datagram socket (snippet: carriers/trunks/opensips/).
/// @param client_directory  where our own socket is bound (must be reachable by OpenSIPS)
[[nodiscard]] std::unique_ptr<Wire> make_opensips_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx,
                                                       const std::string& client_directory);
/// SRV, A and AAAA records by RFC 2136 (examples: carriers/trunks/dns/). A DNS server keeps what it was told for good: there is no lease.
[[nodiscard]] std::unique_ptr<Wire> make_dns_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx);

}  // namespace linekeeper::trunks
