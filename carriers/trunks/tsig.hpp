#pragma once
// Signatures of DNS messages with a shared secret: TSIG, RFC 8945, by hmac-sha256 alone. Pure: the time is a parameter.
//
// libldns signs too, and is not asked: it reads the clock itself, takes any time and any algorithm that an answer names, and
// compares signatures byte by byte until they differ. Names, records and messages are its own all the same.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/error.hpp"

namespace linekeeper::trunks {

inline constexpr std::uint16_t kTsigFudge = 300;  ///< seconds two clocks may differ by (RFC 8945, 10)

using Bytes = std::vector<std::uint8_t>;

struct TsigKey {
  std::string name;  ///< "linekeeper."
  Bytes secret;
};

/// @param name    as the server knows it
/// @param secret  Base64 on one line, as tsig-keygen prints it between the quotes; white space around it is skipped
[[nodiscard]] model::Result<TsigKey> make_tsig_key(std::string_view name, std::string_view secret);

struct Signed {
  Bytes message;  ///< with the signature at its end
  Bytes mac;      ///< what the answer's signature is made with
};

/// @param message  without a signature
/// @param now      seconds since 1970
/// @param request  the MAC of the request, where this is its answer (servers; tests)
[[nodiscard]] Signed tsig_sign(Bytes message, const TsigKey& key, std::int64_t now, std::span<const std::uint8_t> request = {});

/// What the end of an answer says.
enum class TsigVerdict : std::uint8_t {
  Good,
  Missing,    ///< no signature, or not at the end
  Malformed,  ///< not even a message
  Wrong,      ///< another key, algorithm or MAC than ours
  BadTime,    ///< signed properly, at another time than now
  Refused,    ///< the server says that ours was wrong: `error`
};

struct TsigAnswer {
  TsigVerdict verdict = TsigVerdict::Missing;
  int error = 0;                              ///< RFC 8945 3: 16 BADSIG, 17 BADKEY, 18 BADTIME, 22 BADTRUNC
  std::optional<std::int64_t> server_time{};  ///< where it told us, seconds since 1970
};

[[nodiscard]] TsigAnswer tsig_verify(std::span<const std::uint8_t> message, const TsigKey& key, std::span<const std::uint8_t> request,
                                     std::int64_t now);

}  // namespace linekeeper::trunks
