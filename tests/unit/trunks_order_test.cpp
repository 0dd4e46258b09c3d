#include <doctest/doctest.h>

#include <numeric>

#include "carriers/trunks/order_codec.hpp"

using namespace linekeeper::trunks;

TEST_CASE("trunk order: the sets in order, each by algorithm 8") {
  CHECK(*encode_order({11}) == "11=8");
  CHECK(*encode_order({22, 11, 12}) == "22=8;11=8;12=8");
  CHECK(*encode_order({0, kLargestSet}) == "0=8;2147483647=8");
}

TEST_CASE("trunk order: an empty, negative, repeated or endless order is refused and says why") {
  CHECK(encode_order({}).error().what.find("empty") != std::string::npos);
  CHECK(encode_order({11, -1}).error().what.find("-1 is negative") != std::string::npos);
  CHECK(encode_order({11, 12, 11}).error().what.find("set 11 is in it twice") != std::string::npos);
  std::vector<int> sets(kMostSets);
  std::iota(sets.begin(), sets.end(), kLargestSet - static_cast<int>(kMostSets));
  REQUIRE(encode_order(sets));
  CHECK(encode_order(sets)->size() <= kLongestOrder);
  sets.push_back(1);
  CHECK(encode_order(sets).error().what.find("65 sets") != std::string::npos);
}

TEST_CASE("trunk order: what was written is read back as it was") {
  for (const auto& sets : std::vector<std::vector<int>>{{11}, {22, 11, 12}, {0, kLargestSet}}) CHECK(*parse_order(*encode_order(sets)) == sets);
  CHECK(*parse_order("11=8;12=8;") == std::vector<int>{11, 12});
}

TEST_CASE("trunk order: any other text is none of ours") {
  for (const auto* text : {"", ";", "11", "11=", "11=8;;", "11=8;;12=8", ";11=8", "11=4", "11=88", "-1=8", "+1=8", " 11=8", "11=8 ", "x=8",
                           "2147483648=8", "11=8,12=8"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_order(text));
  }
  std::string longest;
  for (std::size_t i = 0; i < kMostSets; ++i) longest += "1=8;";
  CHECK(parse_order(longest)->size() == kMostSets);
  CHECK_FALSE(parse_order(longest + "1=8"));
  CHECK_FALSE(parse_order(std::string(1 << 20, '1')));
}
