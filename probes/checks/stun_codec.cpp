#include "probes/checks/stun_codec.hpp"

#include <algorithm>

namespace linekeeper::probes {
namespace {

// RFC 8489 5, 18.3: message types, the magic cookie, attributes.
constexpr std::uint16_t kRequest = 0x0001, kSuccess = 0x0101, kFailure = 0x0111;
constexpr std::array<std::uint8_t, 4> kCookie{0x21, 0x12, 0xA4, 0x42};
constexpr std::uint16_t kMapped = 0x0001, kErrorCode = 0x0009, kXorMapped = 0x0020;
constexpr std::uint16_t kOptionalFrom = 0x8000;  // comprehension-optional from here on
constexpr std::size_t kHead = 20, kAttributeHead = 4;

std::uint16_t get16(std::span<const std::uint8_t> in) { return static_cast<std::uint16_t>(in[0] << 8 | in[1]); }

/// Attributes that an answer may hold and that change nothing for us: credentials, the realm, the unknown attributes of an error.
bool known_and_inert(std::uint16_t type) {
  constexpr std::array<std::uint16_t, 8> kInert{0x0006, 0x0008, 0x000A, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E};
  return std::ranges::find(kInert, type) != kInert.end();
}

/// MAPPED-ADDRESS and XOR-MAPPED-ADDRESS (14.1, 14.2): the second is masked, so that no NAT on the way "mends" it.
std::optional<StunAddress> address_in(std::span<const std::uint8_t> value, const StunTransaction& transaction, bool masked) {
  if (value.size() < 4) return std::nullopt;
  const bool v6 = value[1] == 2;
  if ((!v6 && value[1] != 1) || value.size() != (v6 ? 20U : 8U)) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(value.subspan(4), bytes.begin());
  std::uint16_t port = get16(value.subspan(2));
  if (masked) {
    port = static_cast<std::uint16_t>(port ^ get16(kCookie));
    for (std::size_t i = 0; i < 4; ++i) bytes[i] ^= kCookie[i];
    for (std::size_t i = 4; v6 && i < 16; ++i) bytes[i] ^= transaction[i - 4];
  }
  return StunAddress{.address = model::IpAddress::from_bytes(v6 ? model::Family::V6 : model::Family::V4, bytes.data()), .port = port};
}

}  // namespace

std::array<std::uint8_t, kStunRequestSize> stun_request(const StunTransaction& transaction) {
  std::array<std::uint8_t, kStunRequestSize> out{};
  out[1] = kRequest;
  std::ranges::copy(kCookie, out.begin() + 4);
  std::ranges::copy(transaction, out.begin() + 8);
  return out;
}

std::optional<std::variant<StunAddress, StunError>> parse_stun_answer(const StunTransaction& transaction, std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHead || bytes.size() % 4 != 0) return std::nullopt;
  const std::uint16_t type = get16(bytes);
  if ((type != kSuccess && type != kFailure) || get16(bytes.subspan(2)) != bytes.size() - kHead) return std::nullopt;
  if (!std::ranges::equal(bytes.subspan(4, 4), kCookie) || !std::ranges::equal(bytes.subspan(8, 12), transaction)) return std::nullopt;
  std::optional<StunAddress> masked, plain;
  std::optional<StunError> error;
  for (auto rest = bytes.subspan(kHead); !rest.empty();) {
    if (rest.size() < kAttributeHead) return std::nullopt;
    const std::uint16_t attribute = get16(rest);
    const std::size_t length = get16(rest.subspan(2)), padded = (length + 3) / 4 * 4;
    if (rest.size() < kAttributeHead + padded) return std::nullopt;
    const auto value = rest.subspan(kAttributeHead, length);
    rest = rest.subspan(kAttributeHead + padded);
    if (attribute == kXorMapped && !masked) {  // of several of one type the first counts (14)
      masked = address_in(value, transaction, true);
      if (!masked) return std::nullopt;
    } else if (attribute == kMapped && !plain) {
      plain = address_in(value, transaction, false);
      if (!plain) return std::nullopt;
    } else if (attribute == kErrorCode && !error) {
      if (value.size() < 4) return std::nullopt;
      const int hundreds = value[2] & 7, rest_of_it = value[3];
      if (hundreds < 3 || hundreds > 6 || rest_of_it > 99) return std::nullopt;
      error = StunError{hundreds * 100 + rest_of_it};
    } else if (attribute < kOptionalFrom && attribute != kXorMapped && attribute != kMapped && attribute != kErrorCode &&
               !known_and_inert(attribute)) {
      return std::nullopt;  // 6.3.3: an answer with something that must be understood and is not is discarded
    }
  }
  if (type == kFailure) return error ? std::optional<std::variant<StunAddress, StunError>>(*error) : std::nullopt;
  if (masked) return *masked;
  if (plain) return *plain;  // a server of RFC 3489
  return std::nullopt;
}

}  // namespace linekeeper::probes
