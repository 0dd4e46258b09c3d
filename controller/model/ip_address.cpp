#include "controller/model/ip_address.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace linekeeper::model {
namespace {

bool same_bits(const IpAddress& a, const IpAddress& b, unsigned bits) {
  if (a.family != b.family) return false;
  const unsigned whole = bits / 8;
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF00U >> rest);
  return (a.bytes[whole] & mask) == (b.bytes[whole] & mask);
}

}  // namespace

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(family == Family::V4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

bool IpAddress::is_loopback() const {
  if (family == Family::V4) return bytes[0] == 127;
  IpAddress one{.family = Family::V6};
  one.bytes[15] = 1;
  return *this == one;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  IpAddress a;
  if (inet_pton(AF_INET, terminated.c_str(), a.bytes.data()) == 1) return a;
  a.family = Family::V6;
  if (inet_pton(AF_INET6, terminated.c_str(), a.bytes.data()) == 1) return a;
  return std::nullopt;
}

IpAddress IpAddress::from_bytes(Family family, const void* network_order) {
  IpAddress a;
  a.family = family;
  std::memcpy(a.bytes.data(), network_order, a.size());
  return a;
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(length); }

bool Prefix::contains(const IpAddress& a) const { return same_bits(address, a, length); }

bool Prefix::overlaps(const Prefix& other) const { return same_bits(address, other.address, length < other.length ? length : other.length); }

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto width = static_cast<std::uint8_t>(address->size() * 8);
  Prefix p{*address, width};
  if (slash == std::string_view::npos) return p;
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || length > width) return std::nullopt;
  p.length = static_cast<std::uint8_t>(length);
  IpAddress masked = p.address;
  for (std::size_t bit = length; bit < width; ++bit) masked.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  if (masked != p.address) return std::nullopt;
  return p;
}

}  // namespace linekeeper::model
