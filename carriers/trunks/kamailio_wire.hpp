#pragma once
// A Kamailio's order: one leased string in an htable, "11=8;12=8", written and read by its JSON-RPC (snippet: carriers/trunks/kamailio/).
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "carriers/trunks/wire.hpp"

namespace linekeeper::trunks {

/// @param client_directory  where our own datagram socket is bound (must be reachable by Kamailio)
[[nodiscard]] std::unique_ptr<Wire> make_kamailio_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx,
                                                       const std::string& client_directory);

}  // namespace linekeeper::trunks
