#include <doctest/doctest.h>

#include "controller/model/ip_address.hpp"

using linekeeper::model::IpAddress;
using linekeeper::model::Prefix;

TEST_CASE("ip address: text and back, both families") {
  CHECK(IpAddress::parse("192.0.2.1")->to_string() == "192.0.2.1");
  CHECK(IpAddress::parse("2001:db8::1")->to_string() == "2001:db8::1");
  for (const char* bad : {"", "192.0.2", "192.0.2.256", "192.0.2.1 ", "fiber", "2001:db8:::1", "192.0.2.1/24"}) {
    CAPTURE(bad);
    CHECK_FALSE(IpAddress::parse(bad));
  }
}

TEST_CASE("prefix: contains its own addresses and not the next one") {
  const auto p = *Prefix::parse("10.10.0.0/23");
  CHECK(p.contains(*IpAddress::parse("10.10.0.0")));
  CHECK(p.contains(*IpAddress::parse("10.10.1.255")));
  CHECK_FALSE(p.contains(*IpAddress::parse("10.10.2.0")));
  CHECK_FALSE(p.contains(*IpAddress::parse("2001:db8::1")));
}

TEST_CASE("prefix: host bits, absurd lengths and words are refused") {
  for (const char* bad : {"10.10.0.1/24", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "2001:db8::/129", "lan/24"}) {
    CAPTURE(bad);
    CHECK_FALSE(Prefix::parse(bad));
  }
  CHECK(Prefix::parse("10.10.0.1")->length == 32);
  CHECK(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("203.0.113.9")));
}

TEST_CASE("prefix: overlap is by the shorter of the two") {
  CHECK(Prefix::parse("10.0.0.0/8")->overlaps(*Prefix::parse("10.10.0.0/24")));
  CHECK(Prefix::parse("10.10.0.0/24")->overlaps(*Prefix::parse("10.0.0.0/8")));
  CHECK_FALSE(Prefix::parse("10.10.0.0/24")->overlaps(*Prefix::parse("10.10.1.0/24")));
}
