#include <doctest/doctest.h>

#include <cerrno>

#include "carriers/trunks/leased_order.hpp"

using namespace linekeeper::trunks;

TEST_CASE("leased order: ways and end are one text, and come back") {
  const LeasedOrder order{{"north-fiber", "south_coax", "a.b"}, 1'795'367'704};
  const auto text = encode_leased(order);
  REQUIRE(text);
  CHECK(*text == "north-fiber&south_coax&a.b|1795367704");
  CHECK(parse_leased(*text) == order);
}

TEST_CASE("leased order: what would lead nowhere or be read otherwise is refused") {
  std::vector<std::string> many;
  for (int i = 0; i < 64; ++i) many.push_back("w" + std::to_string(i));
  CHECK(encode_leased({many, 1}));
  many.emplace_back("one-too-many");
  CHECK(encode_leased({many, 1}).error().code == EINVAL);
  CHECK(encode_leased({{}, 1}).error().what.contains("empty"));
  CHECK(encode_leased({{"a", "b", "a"}, 1}).error().what.contains("twice"));
  CHECK(encode_leased({{"a"}, 0}));
  CHECK_FALSE(encode_leased({{"a"}, -1}));
  for (const std::string bad : {"", "a b", "a&b", "a|b", "a\r", "a\n", "ä", "a=b", "${A}", "a,b", "a/b", "a:b"}) {
    CAPTURE(bad);
    CHECK_FALSE(encode_leased({{bad}, 1}));
  }
  CHECK(is_way_name(std::string(64, 'a')));
  CHECK_FALSE(is_way_name(std::string(65, 'a')));
}

TEST_CASE("leased order: 900 bytes are the longest") {
  LeasedOrder order{{}, 1};
  for (char c = 'a'; c <= 'm'; ++c) order.ways.emplace_back(64, c);  // 13 * 65 - 1 and "|1": 846 bytes
  order.ways.emplace_back(53, 'z');
  CHECK(encode_leased(order)->size() == 900);
  order.ways.back() += 'z';
  CHECK_FALSE(encode_leased(order));
}

TEST_CASE("leased order: any other text is no order of ours") {
  for (const auto* text :
       {"", "|", "a", "a|", "|5", "a|5 ", "a| 5", "a|05", "a|-5", "a|+5", "a&|5", "&a|5", "a&a|5", "a|5|6", "a b|5", "a|99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_leased(text));
  }
}
