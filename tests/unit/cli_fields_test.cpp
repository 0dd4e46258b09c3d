#include <doctest/doctest.h>

#include "controller/admin/cli/fields.hpp"

using namespace linekeeper::admin::cli;

TEST_CASE("fields: what is missing or of the wrong type is not there") {
  const auto v = *parse_json(R"({"s":"text","e":"","i":7,"d":1.5,"b":true,"n":null,"a":[1],"o":{"x":1},"u":18446744073709551615})");
  CHECK(text(v, "s") == "text");
  CHECK(text(v, "i") == "7");
  for (const char* key : {"e", "d", "b", "n", "a", "o", "none"}) {
    CAPTURE(key);
    CHECK(text(v, key) == "-");
  }
  CHECK(number(v, "i") == 7.0);
  CHECK(number(v, "d") == 1.5);
  CHECK_FALSE(number(v, "s"));
  CHECK_FALSE(integer(v, "u"));
  CHECK(flag(v, "b") == true);
  CHECK_FALSE(flag(v, "i"));
  CHECK(list(v, "a").size() == 1);
  CHECK(list(v, "o").empty());
  CHECK(field(v, "none").is_null());
  CHECK(text(*parse_json("[1,2]"), "x") == "-");
  CHECK(text(boost::json::value(nullptr), "x") == "-");
}

TEST_CASE("fields: no escape sequence and no broken character reaches the terminal") {
  CHECK(clean("plain caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\x9e") == "plain caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\x9e");
  CHECK(clean("a\x1b[31mb\n\x7f") == "a?[31mb??");
  CHECK(clean("c1 \xc2\x9b") == "c1 ?");
  CHECK(clean("\xff\xc3") == "??");
  CHECK(clean("\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80") == "?? ??? ????");
  CHECK(text(*parse_json(R"({"s":"\u001b]0;owned\u0007"})"), "s") == "?]0;owned?");
}

TEST_CASE("fields: nesting is bounded and noise is no JSON") {
  CHECK_FALSE(parse_json(std::string(100000, '[')));
  CHECK_FALSE(parse_json(""));
  CHECK_FALSE(parse_json("{\"a\":1} trailing"));
}
