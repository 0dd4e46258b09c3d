#pragma once
// What a dialog and a registration need of a response beyond what every transaction reads (message.hpp): who answered, where its next
// request goes, how long a registration holds. To be asked only about bytes that parse_response() has taken.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::sip {

struct DialogFields {
  std::string to;                              ///< whole value
  std::string to_tag;                          ///< empty: none
  std::string contact_uri;                     ///< of the first Contact, without its angle brackets; empty: none
  std::vector<std::string> record_routes;      ///< as they came, one a piece
  std::vector<std::string> contacts;           ///< whole values: of a REGISTER's answer each binding
  std::optional<model::Duration> expires;      ///< Expires field (RFC 3261 20.19); at most a year
  std::optional<model::Duration> min_expires;  ///< of a 423 (RFC 3261 20.23)
  std::string content_type;                    ///< in lower case, without parameters
  std::string_view body;                       ///< within the bytes that were read
};

/// @param datagram  that parse_response() took
[[nodiscard]] DialogFields read_dialog_fields(std::string_view datagram);

/// The value of a parameter behind the address of a name-addr: "tag" of `<sip:a@b;tag=no>;tag=yes` is "yes". Nothing: there is none.
[[nodiscard]] std::optional<std::string> address_parameter(std::string_view value, std::string_view name);

/// The URI of a name-addr or addr-spec (RFC 3261 20.10); empty when there is none.
[[nodiscard]] std::string address_uri(std::string_view value);

}  // namespace linekeeper::sip
