#include <doctest/doctest.h>

#include <array>

#include "config/values.hpp"

using namespace linekeeper::config;
using namespace std::chrono_literals;
namespace model = linekeeper::model;

TEST_CASE("durations: a number and its unit") {
  CHECK(parse_duration("200ms") == 200ms);
  CHECK(parse_duration("1.5s") == 1500ms);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("0s") == 0s);
  CHECK(parse_duration("0.001s") == 1ms);
}

TEST_CASE("durations: everything else is refused with a reason") {
  for (const char* text : {"", "s", "ms", "1.s", ".5s", "1..5s", "-1s", "+1s", "1e3s", "1 s", " 1s", "1s ", "one", "1s2", "0x10s",
                           "99999999999999999999s", "nan", "infs"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
  CHECK(parse_duration("30").error().what.find("no unit") != std::string::npos);
  CHECK(parse_duration("30").error().remedy.find("\"30s\"") != std::string::npos);
  CHECK(parse_duration("30d").error().what.find("unknown unit") != std::string::npos);
  CHECK(parse_duration("9999h").has_value());
  CHECK(parse_duration("10000h").has_value());
  CHECK_FALSE(parse_duration("10001h").has_value());
}

TEST_CASE("durations: what is shown can be typed back") {
  for (const model::Duration d :
       {model::Duration(0), model::Duration(1ms), model::Duration(999ms), model::Duration(1s), model::Duration(1500ms), model::Duration(59s),
        model::Duration(60s), model::Duration(90s), model::Duration(2min), model::Duration(1h), model::Duration(25h)}) {
    CAPTURE(show(d));
    CHECK(parse_duration(show(d)) == d);
  }
  CHECK(show(60s) == "60s");
  CHECK(show(120s) == "2m");
  CHECK(show(1500ms) == "1.5s");
  CHECK(show(80ms) == "80ms");
}

TEST_CASE("endpoints: address and port, brackets for IPv6") {
  CHECK(parse_endpoint("198.51.100.10", 5060)->port == 5060);
  CHECK(parse_endpoint("198.51.100.10:65535", 5060)->port == 65535);
  CHECK(parse_endpoint("198.51.100.10:0", 5060)->port == 0);
  CHECK(parse_endpoint("[2001:db8::1]:5061", 5060)->port == 5061);
  CHECK(parse_endpoint("2001:db8::1", 5060)->address.family == model::Family::V6);
  for (const char* text : {"", ":5060", "198.51.100.10:", "198.51.100.10:65536", "198.51.100.10:x", "198.51.100.10:-1", "[2001:db8::1",
                           "[2001:db8::1]5060", "198.51.100.256"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_endpoint(text, 5060).has_value());
  }
  CHECK_FALSE(parse_endpoint("127.0.0.1", std::nullopt).has_value());
  CHECK_FALSE(parse_endpoint("::1:9851", std::nullopt).has_value());
}

TEST_CASE("endpoints: a host name is told apart from a mistyped address") {
  CHECK(parse_endpoint("sip.north.example:5060", 5060).error().what.find("host name") != std::string::npos);
  CHECK(parse_endpoint("abc.de", 5060).error().what.find("host name") != std::string::npos);
  CHECK(parse_endpoint("192.0.2.300", 5060).error().what.find("not an address") != std::string::npos);
}

TEST_CASE("names: one to forty characters of letters, digits, dot, underscore and dash") {
  CHECK_FALSE(fault_of(Form::Name, "a"));
  CHECK_FALSE(fault_of(Form::Name, "Fiber-1_a.b"));
  CHECK_FALSE(fault_of(Form::Name, std::string(40, 'x')));
  CHECK(fault_of(Form::Name, std::string(41, 'x')));
  for (const char* text : {"", "a b", "a\tb", "a\x1b[31m", "a\"b", "a{b}", "f\xc3\xbc", "a/b", "a\n"}) {
    CAPTURE(text);
    CHECK(fault_of(Form::Name, text));
  }
}

TEST_CASE("interfaces: fifteen characters, as the kernel takes them") {
  CHECK_FALSE(fault_of(Form::Interface, "wan0.100"));
  CHECK_FALSE(fault_of(Form::Interface, std::string(15, 'e')));
  CHECK(fault_of(Form::Interface, std::string(16, 'e')));
  for (const char* text : {"", ".", "..", "a/b", "a b", "a:1"}) CHECK(fault_of(Form::Interface, text));
}

TEST_CASE("paths: absolute, and a socket's at most 107 bytes") {
  CHECK_FALSE(fault_of(Form::SocketPath, "/" + std::string(106, 'x')));
  CHECK(fault_of(Form::SocketPath, "/" + std::string(107, 'x')));
  CHECK_FALSE(fault_of(Form::FilePath, "/" + std::string(107, 'x')));
  CHECK(fault_of(Form::SocketPath, "run/x"));
  CHECK(fault_of(Form::FilePath, ""));
}

TEST_CASE("SIP users: nothing that could end the header they stand in") {
  CHECK_FALSE(fault_of(Form::SipUser, "+4420000000"));
  for (const char* text : {"", "a b", "a@b", "a\r\nVia: x", "a>b", "a\"b", "a:b"}) CHECK(fault_of(Form::SipUser, text));
}

TEST_CASE("nearest: a slip of the finger is recognised, another word is not") {
  const std::array<std::string, 3> known{"interval", "floor", "deadline"};
  CHECK(nearest("intervall", known) == "interval");
  CHECK(nearest("flor", known) == "floor");
  CHECK_FALSE(nearest("gateway", known));
  CHECK_FALSE(nearest(std::string(100000, 'x'), known));
}

TEST_CASE("clean: nothing that a terminal would obey comes through") {
  CHECK(clean("a\x1b[31mb") == "a\\x1b[31mb");
  CHECK(clean("a\xc2\x9b"
              "31m") == "a\\xc2\\x9b31m");
  CHECK(clean("caf\xc3\xa9") == "caf\xc3\xa9");
  CHECK(clean("\xff\xfe") == "\\xff\\xfe");
  CHECK(clean("\xe2\x82") == "\\xe2\\x82");
  CHECK(clean(std::string(61, 'a')) == std::string(60, 'a') + "...");
  CHECK(clean(std::string(60, 'a')) == std::string(60, 'a'));
}
