#include <doctest/doctest.h>

#include <string>

#include "probes/dns_codec.hpp"

using namespace linekeeper;
using Bytes = std::vector<std::uint8_t>;

namespace {
/// The answer to `query`: response bits and this RCODE, nothing behind the question.
Bytes answered(Bytes query, int rcode) {
  query[2] |= 0x80;
  query[3] = static_cast<std::uint8_t>(0x80 | rcode);
  return query;
}
}  // namespace

TEST_CASE("dns: a query is a header, the name and its kind, as RFC 1035 4.1 draws them") {
  CHECK(probes::dns_query("ns.example", 0xbeef, 0) == Bytes{0xbe, 0xef, 0x01, 0x00, 0,   1,   0,   0,   0,   0,   0,   0,  //
                                                            2,    'n',  's',  7,    'e', 'x', 'a', 'm', 'p', 'l', 'e', 0,  //
                                                            0,    1,    0,    1});
  CHECK(probes::dns_query("ns.example.", 0xbeef, 0) == probes::dns_query("ns.example", 0xbeef, 0));
  CHECK(probes::dns_query(".", 1, 0) == Bytes{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1});
}

TEST_CASE("dns: each letter takes its case from a bit, digits and dashes take none") {
  const Bytes query = probes::dns_query("a-1b.C", 0, 0b101);
  CHECK(std::string(query.begin() + 12, query.begin() + 20) == std::string("\x04"
                                                                           "A-1b"
                                                                           "\x01"
                                                                           "C\0",
                                                                           8));
  CHECK(probes::dns_query("a-1b.C", 0, 0b010)[16] == 'B');
}

TEST_CASE("dns: labels of 1 to 63 bytes and names of 255 are names, others are none") {
  const std::string label(63, 'x');
  CHECK_FALSE(probes::dns_query(label, 1, 0).empty());
  CHECK(probes::dns_query(label + "x", 1, 0).empty());
  CHECK(probes::dns_query("a..b", 1, 0).empty());
  CHECK(probes::dns_query(".a", 1, 0).empty());
  CHECK(probes::dns_query("..", 1, 0).empty());
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'x');  // 64 * 3 + 62 + 1 = 255 octets
  CHECK_FALSE(probes::dns_query(longest, 1, 0).empty());
  CHECK(probes::dns_query(longest + "x", 1, 0).empty());
}

TEST_CASE("dns: any answer to exactly that query counts, and its RCODE is kept") {
  const Bytes query = probes::dns_query("a.root-servers.net", 0x1234, 0x5a5a);
  for (const int rcode : {0, 2, 3, 5, 15}) CHECK(probes::dns_answer(answered(query, rcode), query) == rcode);
  Bytes longer = answered(query, 0);
  longer[7] = 1;
  longer.resize(longer.size() + 16, 0xff);  // whatever stands behind the question is not read
  CHECK(probes::dns_answer(longer, query) == 0);
  CHECK(probes::dns_id(query) == 0x1234);
  CHECK_FALSE(probes::dns_id(std::span(query).first(11)));
}

TEST_CASE("dns: what differs in any octet of id, kind or question is no answer") {
  const Bytes query = probes::dns_query("a.root-servers.net", 0x1234, 0x5a5a);
  const Bytes right = answered(query, 0);
  CHECK_FALSE(probes::dns_answer(query, query));  // our own query, sent back
  for (std::size_t i = 0; i < right.size(); ++i) {
    Bytes wrong = right;
    wrong[i] ^= 0x20;  // of a letter: its case
    const bool free = i == 2 || i == 3 || (i >= 6 && i < 12);
    if (!free) CHECK_FALSE(probes::dns_answer(wrong, query));
  }
  Bytes notify = right;
  notify[2] |= 0x20;  // opcode 4
  CHECK_FALSE(probes::dns_answer(notify, query));
  Bytes none = right;
  none[5] = 0;
  CHECK_FALSE(probes::dns_answer(none, query));
  CHECK_FALSE(probes::dns_answer(std::span(right).first(right.size() - 1), query));
  CHECK_FALSE(probes::dns_answer(right, {}));
}
