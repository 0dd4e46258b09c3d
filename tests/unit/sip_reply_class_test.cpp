#include <doctest/doctest.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "carriers/sip/reply_class.hpp"

using namespace linekeeper;
using model::ReplyClass;
using sip::classify;

namespace {
std::string codes(const sip::ReplyRow& row) {
  return row.first == row.last ? std::to_string(row.first) : std::to_string(row.first) + "-" + std::to_string(row.last);
}

/// The table as carriers/README.md shows it.
std::string printed() {
  std::ostringstream out;
  out << "| reply | class | the carrier |\n|---|---|---|\n";
  for (const auto& row : sip::reply_table()) out << "| " << codes(row) << " | " << sip::to_string(row.reply) << " | " << row.reads << " |\n";
  return out.str();
}
}  // namespace

TEST_CASE("reply table: carriers/README.md shows what the program does") {
  std::ifstream file(CARRIERS_README);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  std::cout << printed();
  CHECK_MESSAGE(text.str().contains(printed()), "put the table printed above into carriers/README.md");
}

TEST_CASE("reply table: one below, at and above each end") {
  const auto is = [](int code) { return classify(code, {}); };
  for (const int outside : {-1, 0, 100, 199, 700, 9999}) CHECK(is(outside) == ReplyClass::Down);
  for (const int up : {200, 202, 299, 300, 302, 399, 400, 401, 402, 404, 405, 407, 409, 479, 481, 483, 485, 487, 488, 499, 501})
    CHECK(is(up) == ReplyClass::Up);
  for (const int busy : {480, 486, 600, 603, 699}) CHECK(is(busy) == ReplyClass::Busy);
  for (const int soft : {408, 500, 502, 504, 505, 599}) CHECK(is(soft) == ReplyClass::SoftDown);
  CHECK(is(403) == ReplyClass::Degraded);
  CHECK(is(503) == ReplyClass::Down);
}

TEST_CASE("reply table: a carrier's own table wins within 200 to 699, and only there") {
  const std::map<int, ReplyClass> own{{404, ReplyClass::Down}, {503, ReplyClass::Up}, {199, ReplyClass::Up}, {700, ReplyClass::Up}};
  CHECK(classify(404, own) == ReplyClass::Down);
  CHECK(classify(503, own) == ReplyClass::Up);
  CHECK(classify(405, own) == ReplyClass::Up);
  CHECK(classify(199, own) == ReplyClass::Down);
  CHECK(classify(700, own) == ReplyClass::Down);
}

TEST_CASE("reply classes: each name is read back, others are not names") {
  for (const auto c : {ReplyClass::Up, ReplyClass::Busy, ReplyClass::Degraded, ReplyClass::SoftDown, ReplyClass::Down})
    CHECK(sip::reply_class_named(sip::to_string(c)) == c);
  for (const auto* name : {"", "Up", "soft_down", "unknown"}) CHECK_FALSE(sip::reply_class_named(name));
}
