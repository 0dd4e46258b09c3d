#pragma once
// What a resolver says to one question, read from the bytes of its reply by c-ares. Only the records that lead to a SIP server:
// NAPTR (RFC 3403), SRV (RFC 2782), A and AAAA.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "controller/model/endpoint.hpp"

namespace linekeeper::locate {

enum class Kind : std::uint8_t { Naptr, Srv, A, Aaaa };
[[nodiscard]] int dns_type(Kind kind);  ///< RFC 1035 3.2.2: 35, 33, 1, 28

struct Question {
  Kind kind = Kind::A;
  std::string name;
  friend auto operator<=>(const Question&, const Question&) = default;
};

struct Naptr {
  std::uint16_t order = 0, preference = 0;
  std::string flags, service, replacement;
};

struct Srv {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target;  ///< "." or empty: the service is decidedly not there (RFC 2782)
};

struct Answer {
  enum class What : std::uint8_t {
    Records,
    Nothing,     ///< the name is there, such records are not
    NoSuchName,  ///< NXDOMAIN
    Failed,      ///< SERVFAIL, REFUSED, silence, bytes that are no answer: `why`
  };
  What what = What::Failed;
  std::vector<Naptr> naptrs;
  std::vector<Srv> srvs;
  std::vector<model::IpAddress> addresses;
  model::Duration ttl{};  ///< the least of the records
  std::string why;        ///< for people, when Failed
};

/// Most records that are read of a reply; those behind are left out.
inline constexpr std::size_t kMostRecords = 64;

/// @param reply  any bytes; what is no reply is Failed
[[nodiscard]] Answer read_answer(Kind kind, std::span<const std::uint8_t> reply);

}  // namespace linekeeper::locate
