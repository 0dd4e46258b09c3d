#include <doctest/doctest.h>

#include <string>

#include "controller/admin/query.hpp"

using linekeeper::admin::parse_target;
using linekeeper::admin::percent_encode;

TEST_CASE("target: path and parameters are decoded") {
  const auto t = parse_target("/api/v1/events?since=2026-11-22T02%3A26%3A21Z&id=circuit.&text=a+b%2Bc&flag");
  REQUIRE(t);
  CHECK(t->path == "/api/v1/events");
  CHECK(t->query.at("since") == "2026-11-22T02:26:21Z");
  CHECK(t->query.at("id") == "circuit.");
  CHECK(t->query.at("text") == "a b+c");
  CHECK(t->query.at("flag").empty());
  CHECK(t->query.size() == 4);
}

TEST_CASE("target: a plus in the path is a plus") {
  const auto t = parse_target("/a+b%20c?");
  REQUIRE(t);
  CHECK(t->path == "/a+b c");
  CHECK(t->query.empty());
}

TEST_CASE("target: what cannot be read is refused") {
  for (const char* bad : {"", "*", "http://host/", "api", "/%", "/%4", "/%zz", "/?a=%", "/?a=%2", "/%00", "/?a=%0a", "/?a=%7F", "/?a=1&a=2", "/#x"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_target(bad));
  }
}

TEST_CASE("target: 32 parameters pass and 33 do not") {
  std::string target = "/?";
  for (int i = 0; i < 32; ++i) target += "k" + std::to_string(i) + "=v&";
  CHECK(parse_target(target));
  CHECK_FALSE(parse_target(target + "one=more"));
}

TEST_CASE("percent encoding: what is encoded decodes to itself, whatever the bytes") {
  std::string text;
  for (int c = 0x20; c < 0x7f; ++c) text += static_cast<char>(c);
  text += "\xc3\xa9";
  const auto t = parse_target("/?q=" + percent_encode(text));
  REQUIRE(t);
  CHECK(t->query.at("q") == text);
  CHECK(percent_encode("a-b.c_d~e") == "a-b.c_d~e");
  CHECK(percent_encode("a b/+") == "a%20b%2F%2B");
}
