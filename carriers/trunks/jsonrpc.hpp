#pragma once
// JSON-RPC 2.0 as Kamailio's jsonrpcs and OpenSIPS' mi_datagram speak it: one object a datagram, parameters by position. Pure: text in, values out.
// Replies come from another program: any bytes are survived in time and memory bounded by the datagram's size.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace linekeeper::trunks {

inline constexpr std::size_t kLargestReply = 65'456;           ///< jsonrpcs' own buffer; what is longer is no reply of it
inline constexpr std::uint64_t kLargestId = (1ULL << 53) - 1;  ///< exact in a double, as some JSON readers keep numbers

using Parameter = std::variant<std::string_view, std::int64_t>;

[[nodiscard]] std::string request(std::uint64_t id, std::string_view method, std::span<const Parameter> parameters);

/// An entry of an htable, as htable.get tells it; or of a cache, as OpenSIPS' cache_fetch does, which tells no end.
struct Item {
  std::string name;
  std::string value;   ///< a number as its digits
  std::string expire;  ///< local time as text, or "NEVER"
  [[nodiscard]] bool leased() const { return !expire.empty() && expire != "NEVER"; }
};

struct RpcError {
  std::int64_t code = 0;
  std::string message;
};

struct Reply {
  std::uint64_t id = 0;
  std::optional<RpcError> error;
  std::optional<Item> item;  ///< where the result is one
};

/// @return the reply, or why it is none
[[nodiscard]] std::expected<Reply, std::string> parse_reply(std::string_view text);

}  // namespace linekeeper::trunks
