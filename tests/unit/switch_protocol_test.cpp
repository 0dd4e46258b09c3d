#include <doctest/doctest.h>

#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;

std::string why(std::string_view message) {
  const auto r = parse_request(message);
  return r ? std::string("accepted") : r.error().what;
}
bool says(std::string_view message, std::string_view words) { return why(message).find(words) != std::string::npos; }

}  // namespace

TEST_CASE("switch protocol: a plan survives being sent") {
  Apply sent = plan(7, site("fiber", "coax"));
  sent.desired.classes[0].escape = true;
  sent.desired.classes[1].source = net("10.1.0.0/16");
  sent.desired.classes[1].incoming_interface = "lan0";
  sent.desired.circuits[0].gateway.reset();
  sent.retired_classes = {"guests"};
  const auto got = parse_request(encode(Request(sent)));
  REQUIRE(got);
  const auto& apply = std::get<Apply>(*got);
  CHECK(apply.generation == 7);
  CHECK(apply.desired == sent.desired);
  CHECK(apply.retired_classes == sent.retired_classes);
  CHECK(std::get<AskGateway>(parse_request(encode(Request(AskGateway{.circuit = "fiber"}))).value()).circuit == "fiber");
  CHECK(says(R"({"v":1,"type":"ask"})", "circuit is missing"));
  CHECK(says(R"({"v":1,"type":"ask","circuit":7})", "circuit is not a text"));
  CHECK(std::holds_alternative<Hello>(parse_request(encode(Request(Hello{}))).value()));
}

TEST_CASE("switch protocol: every reply survives being sent") {
  const auto same = [](const Reply& r) {
    const auto got = parse_reply(encode(r));
    REQUIRE(got);
    CHECK(encode(*got) == encode(r));
  };
  same(StateReply{.generation = 3, .classes = {{.name = "voice", .table = 7201, .circuit = "fiber", .interface = "wan0"}}});
  same(Applied{.generation = 3, .changes = {"class voice: fiber -> coax"}, .took_us = 812, .held = {}});
  const HeldMove held{
      .traffic_class = "data", .circuit = "coax", .escape = true, .guard = "rate_limit", .why = "w", .remedy = "r", .again_ms = 4'000};
  same(Applied{.generation = 3, .changes = {}, .took_us = 812, .held = {held}});
  const auto got = std::get<Applied>(parse_reply(encode(Reply(Applied{.generation = 3, .changes = {}, .took_us = 812, .held = {held}}))).value());
  REQUIRE(got.held.size() == 1);
  CHECK(got.held[0].traffic_class == "data");
  CHECK(got.held[0].circuit == "coax");
  CHECK(got.held[0].escape);
  CHECK(got.held[0].again_ms == 4'000);
  same(Refused{.generation = 3, .guard = "last_path", .why = "w", .remedy = "r", .classes = {"voice"}});
  same(Failed{.generation = 3, .why = "w \"quoted\" \xE2\x86\x92", .remedy = "r"});
  same(Drift{.what = "rule 7000", .repaired = false, .gave_up = true});
  same(Drift{.what = "class voice is led past fiber", .repaired = false, .gave_up = false, .foreign = true});
}

TEST_CASE("switch protocol: what a plan says of connections survives being sent, and may be left out") {
  Apply sent = plan(7, site("fiber", "coax"));
  sent.desired.flow_mask = 0x00ff0000;
  sent.desired.circuits[0].nat.kind = Nat::Kind::Masquerade;
  sent.desired.circuits[1].nat = {.kind = Nat::Kind::Fixed, .address = ip("203.0.113.7")};
  sent.desired.circuits[1].dead = true;
  sent.desired.circuits[1].flow = 2;
  sent.desired.classes[0].drain = std::chrono::hours(2);
  sent.desired.classes[0].flow = 3;
  CHECK(std::get<Apply>(parse_request(encode(Request(sent))).value()).desired == sent.desired);
  const auto with = [](const char* what) {
    return R"({"v":1,"type":"apply","generation":1,"desired":{"circuits":[{"name":"a","interface":"b","table":1,)" + std::string(what) +
           R"(}],"classes":[]}})";
  };
  CHECK(why(with(R"("mark":1)")) == "accepted");
  CHECK(says(with(R"("nat":"snat")"), "nat is neither 'masquerade' nor an address"));
  CHECK(says(with(R"("dead":1)"), "dead is not true or false"));
  CHECK(says(with(R"("flow":-1)"), "flow is not a whole number"));
}

TEST_CASE("switch protocol: what is told of connections survives being sent, and always fits into a message") {
  Flows told{.draining = {{.traffic_class = "voice", .circuit = "fiber", .flows = 3, .left = std::chrono::hours(2)}},
             .cut = {{.traffic_class = "", .circuit = "coax", .why = "address", .flows = 12, .strays = true}},
             .problem = "p",
             .remedy = "r"};
  const auto got = parse_reply(encode(Reply(told)));
  REQUIRE(got);
  CHECK(encode(*got) == encode(Reply(told)));
  const std::string longest(64, 'x');
  told.draining.assign(5000, {.traffic_class = longest, .circuit = longest, .flows = UINT64_MAX, .left = std::chrono::hours(24 * 366)});
  told.cut.assign(5000, {.traffic_class = longest, .circuit = longest, .why = "deadline", .flows = UINT64_MAX, .strays = false});
  told.problem = told.remedy = std::string(5000, 'x');
  CHECK(encode(Reply(told)).size() <= kMaxMessage);
  REQUIRE(parse_reply(encode(Reply(told))));
}

TEST_CASE("switch protocol: another version is told apart from rubbish, with what to do") {
  const auto r = parse_request(R"({"v":2,"type":"hello","news":[]})");
  REQUIRE_FALSE(r);
  CHECK(r.error().what == "the message speaks protocol version 2, this program speaks version 1");
  CHECK(r.error().remedy.find("same release") != std::string::npos);
  CHECK(says(R"({"v":0,"type":"hello"})", "version 0"));
}

TEST_CASE("switch protocol: rubbish is named and never thrown") {
  CHECK(says("", "not JSON"));
  CHECK(says("\x00\xff\xfe", "not JSON"));
  CHECK(says("[]", "not an object"));
  CHECK(says("null", "not an object"));
  CHECK(says(R"({"type":"hello"})", "v is missing"));
  CHECK(says(R"({"v":"1","type":"hello"})", "v is not a whole number"));
  CHECK(says(R"({"v":1.5,"type":"hello"})", "v is not a whole number"));
  CHECK(says(R"({"v":1,"type":7})", "type is not a text"));
  CHECK(says(R"({"v":1,"type":"reboot"})", "no request"));
  CHECK(says(R"({"v":1,"type":"apply"})", "generation is missing"));
  CHECK(says(R"({"v":1,"type":"apply","generation":-1})", "generation is not"));
  CHECK(says(R"({"v":1,"type":"apply","generation":1})", "desired is missing"));
  CHECK(says(R"({"v":1,"type":"apply","generation":1,"desired":{"circuits":{},"classes":[]}})", "desired.circuits is not a list"));
  CHECK(says(R"({"v":1,"type":"apply","generation":1,"desired":{"circuits":[3],"classes":[]}})", "desired.circuits[0]"));
  CHECK(says(R"({"v":1,"type":"apply","generation":1,"desired":{"circuits":[{"name":"a","interface":"b","table":4294967296}],"classes":[]}})",
             "desired.circuits[0].table"));
  CHECK(
      says(R"({"v":1,"type":"apply","generation":1,"desired":{"circuits":[{"name":"a","interface":"b","table":1,"gateway":"10.0.0"}],"classes":[]}})",
           "'10.0.0' is not an address"));
  CHECK(says(R"({"v":1,"type":"apply","generation":1,"desired":{"circuits":[{"name":"a\nb","interface":"b","table":1}],"classes":[]}})",
             "name is not a text"));
  CHECK(says(R"({"v":1,"type":"apply","generation":1,"desired":{"circuits":[],"classes":[{"name":"a","table":1,"circuit":"","escape":1}]}})",
             "escape is not true or false"));
  CHECK_FALSE(parse_reply(R"({"v":1,"type":"hello"})"));
}

TEST_CASE("switch protocol: depth is bounded, one below and one above") {
  const auto nested = [](int levels) {  // the message itself is one level
    return R"({"v":1,"type":"hello","x":)" + std::string(static_cast<std::size_t>(levels - 1), '[') +
           std::string(static_cast<std::size_t>(levels - 1), ']') + "}";
  };
  CHECK(parse_request(nested(8)));
  CHECK_FALSE(parse_request(nested(9)));
  CHECK_FALSE(parse_request(nested(20'000)));
}

TEST_CASE("switch protocol: size is bounded, at the limit and one above") {
  std::string message = R"({"v":1,"type":"hello","x":")";
  message += std::string(kMaxMessage - message.size() - 2, 'a') + "\"}";
  REQUIRE(message.size() == kMaxMessage);
  CHECK(parse_request(message));
  message.insert(message.size() - 2, "a");
  CHECK(says(message, "longer than 65536 bytes"));
}

TEST_CASE("switch protocol: a long sentence is shortened at a character's end, so that it can still be read") {
  // 1,024 bytes are sent of it: three bytes each and one, two or none before them.
  for (const char* before : {"", "a", "ab"}) {
    std::string why(before);
    for (int i = 0; i < 400; ++i) why += "\xE2\x86\x92";
    const auto got = parse_reply(encode(Reply(Failed{.generation = 1, .why = why, .remedy = "r"})));
    REQUIRE(got);
    const std::string& sent = std::get<Failed>(*got).why;
    CHECK(why.starts_with(sent));
    CHECK(sent.size() > 1024 - 3);
    CHECK(sent.size() <= 1024);
  }
}

TEST_CASE("switch protocol: every cut of a good message is refused, every bit turned is survived") {
  const std::string good = encode(Request(plan(7, site("fiber", "coax"))));
  for (std::size_t i = 0; i < good.size(); ++i) CHECK_FALSE(parse_request(std::string_view(good).substr(0, i)));
  for (std::size_t i = 0; i < good.size() * 8; ++i) {
    std::string bent = good;
    bent[i / 8] = static_cast<char>(bent[i / 8] ^ (1 << (i % 8)));
    (void)parse_request(bent);
  }
}

TEST_CASE("switch protocol: an answer about a thousand changes still fits into a message") {
  const HeldMove held{.traffic_class = std::string(64, 'n'),
                      .circuit = std::string(64, 'c'),
                      .escape = true,
                      .guard = "rate_limit",
                      .why = std::string(900, '"'),
                      .remedy = std::string(900, '"'),
                      .again_ms = 3'600'000};
  Applied a{.generation = 1,
            .changes = std::vector<std::string>(5000, std::string(900, '"')),
            .took_us = 1,
            .held = std::vector<HeldMove>(kMaxHeldMoves, held)};
  const std::string text = encode(Reply(a));
  CHECK(text.size() <= kMaxMessage);
  const auto got = parse_reply(text);
  REQUIRE(got);
  CHECK(std::get<Applied>(*got).held.size() == kMaxHeldMoves);
  CHECK(std::get<Applied>(*got).changes.back() == "and 4910 more");
}

}  // namespace linekeeper::route
