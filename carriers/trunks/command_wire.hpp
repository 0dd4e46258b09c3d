#pragma once
// A PBX that is told its order by a program of the site's own: one line of JSON in, one line out (contract and an example:
// carriers/trunks/command/).
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string_view>

#include "carriers/trunks/wire.hpp"

namespace linekeeper::trunks {

[[nodiscard]] std::unique_ptr<Wire> make_command_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx);

/// The program's answer to "get": {"order":["a","b"],"lease_s":42} or {"order":null}. Errors: EPROTO, also where it says {"error":...}.
[[nodiscard]] model::Result<std::optional<Wire::Standing>> parse_command_answer(std::string_view text);

}  // namespace linekeeper::trunks
