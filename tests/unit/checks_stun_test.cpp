#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "probes/checks/stun_codec.hpp"

using namespace linekeeper;
using namespace linekeeper::probes;

namespace {

using Bytes = std::vector<std::uint8_t>;

// The sample transaction and responses of RFC 5769, 2.2 and 2.3, without their MESSAGE-INTEGRITY and FINGERPRINT (their lengths mended).
constexpr StunTransaction kSample{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

Bytes answer(const Bytes& attributes, std::uint16_t type = 0x0101) {
  Bytes out{
      static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type), 0, static_cast<std::uint8_t>(attributes.size()), 0x21, 0x12, 0xa4, 0x42};
  out.insert(out.end(), kSample.begin(), kSample.end());
  out.insert(out.end(), attributes.begin(), attributes.end());
  return out;
}
const Bytes kSoftware{0x80, 0x22, 0x00, 0x0b, 't', 'e', 's', 't', ' ', 'v', 'e', 'c', 't', 'o', 'r', ' '};
const Bytes kMasked4{0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
const Bytes kMasked6{0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
                     0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9};
const Bytes kPlain4{0x00, 0x01, 0x00, 0x08, 0x00, 0x01, 0x12, 0x34, 198, 51, 100, 9};

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
std::optional<std::string> address_in(const Bytes& bytes) {
  const auto got = parse_stun_answer(kSample, bytes);
  const auto* a = got ? std::get_if<StunAddress>(&*got) : nullptr;
  return a != nullptr ? std::optional(a->address.to_string() + " " + std::to_string(a->port)) : std::nullopt;
}

}  // namespace

TEST_CASE("stun: a request is a header alone, with the cookie and the transaction") {
  const auto r = stun_request(kSample);
  CHECK(r[0] == 0);
  CHECK(r[1] == 1);
  CHECK(r[3] == 0);
  CHECK(std::equal(kSample.begin(), kSample.end(), r.begin() + 8));
}

TEST_CASE("stun: the addresses of RFC 5769 are read, IPv4 and IPv6, and the masked one counts before the plain one") {
  CHECK(address_in(answer(joined(kSoftware, kMasked4))) == "192.0.2.1 32853");
  CHECK(address_in(answer(joined(kSoftware, kMasked6))) == "2001:db8:1234:5678:11:2233:4455:6677 32853");
  CHECK(address_in(answer(kPlain4)) == "198.51.100.9 4660");
  CHECK(address_in(answer(joined(kPlain4, kMasked4))) == "192.0.2.1 32853");
}

TEST_CASE("stun: an error is told with its code, from 300 to 699") {
  const auto code = [](std::uint8_t hundreds, std::uint8_t rest) -> std::optional<int> {
    const auto got = parse_stun_answer(kSample, answer({0, 9, 0, 4, 0, 0, hundreds, rest}, 0x0111));
    const auto* e = got ? std::get_if<StunError>(&*got) : nullptr;
    return e != nullptr ? std::optional(e->code) : std::nullopt;
  };
  CHECK(code(4, 20) == 420);
  CHECK(code(3, 0) == 300);
  CHECK(code(6, 99) == 699);
  CHECK_FALSE(code(2, 99));
  CHECK_FALSE(code(7, 0));
  CHECK_FALSE(code(4, 100));
  CHECK_FALSE(parse_stun_answer(kSample, answer({}, 0x0111)));
}

TEST_CASE("stun: what is cut short, changed, of another transaction or not understood is no answer") {
  const Bytes good = answer(kMasked4);
  REQUIRE(address_in(good));
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(address_in(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
  for (std::size_t at = 0; at < 20; ++at) {  // type, length, cookie, transaction
    Bytes bad = good;
    bad[at] ^= 0x10;
    CAPTURE(at);
    CHECK_FALSE(address_in(bad));
  }
  CHECK_FALSE(address_in(joined(good, {0, 0, 0, 0})));
  CHECK_FALSE(address_in(answer({})));
  CHECK_FALSE(address_in(answer(joined({0x00, 0x7f, 0, 0}, kMasked4))));              // must be understood, and is not
  CHECK(address_in(answer(joined({0xff, 0x7f, 0, 0}, kMasked4))));                    // need not be
  CHECK_FALSE(address_in(answer({0x00, 0x20, 0x00, 0x08, 0, 3, 1, 1, 1, 1, 1, 1})));  // of no family
  CHECK_FALSE(address_in(answer({0x00, 0x20, 0x00, 0x08, 0, 2, 1, 1, 1, 1, 1, 1})));  // IPv6 in four bytes
  CHECK_FALSE(address_in(answer({0x80, 0x22, 0x00, 0x09, 1, 2, 3, 4, 5, 6, 7, 8})));  // longer than what is there
}
