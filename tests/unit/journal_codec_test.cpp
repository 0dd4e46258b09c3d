#include <doctest/doctest.h>

#include "controller/journal/observation_codec.hpp"
#include "controller/journal/varint.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::journal;
using namespace std::chrono_literals;
using model::Instant;

namespace {

const model::CircuitId kCoax{1};
const model::Endpoint kEndpoint{.address = *model::IpAddress::parse("2001:db8::7"), .port = 5070, .transport = model::SipTransport::Tls};
const model::TargetId kGamma{2};
constexpr Instant kRun{100s};

model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }

/// One of each kind, with every field other than its default.
std::vector<Record> one_of_each() {
  const auto at = [](int ms) { return kRun + std::chrono::milliseconds(ms) + 17ns; };
  const model::LinkState link{
      .circuit = kCoax, .present = true, .admin_up = true, .carrier = true, .ifindex = 7, .address = ip("192.0.2.9"), .gateway = ip("2001:db8::1")};
  const model::Override order{.id = 3,
                              .kind = model::OverrideKind::Hold,
                              .subject = "voice",
                              .to = "coax",
                              .owner = "uid 0 (root)",
                              .reason = "a\nb",
                              .since = model::WallTime(5ms),
                              .until = model::WallTime(-7ms)};
  const RoutesAdopted routes{.generation = UINT64_MAX, .classes = {kCoax}};
  const TrunkAdopted trunk{.trunk = {}, .sets = {12, -3, 21}};
  return {
      {kRun, DeciderStarted{}},
      {kRun, Recalled{.circuit = kCoax, .text = "v1 0.7 12", .age = 90s}},
      {at(1), model::Observation(link)},
      {at(1), routes},
      {at(2), trunk},
      {at(2), OrdersGiven{{order}}},
      {at(3), model::Observation(
                  model::ProbeSent{.circuit = kCoax, .target = kGamma, .sequence = 41, .sent = at(3) - 60us, .kind = model::ProbeKind::Verify})},
      {at(23), model::Observation(model::ProbeReply{.circuit = kCoax, .target = kGamma, .sequence = 41, .rtt = 20ms + 3ns})},
      {at(24), model::Observation(model::ProbeRejected{.circuit = kCoax, .target = kGamma, .sequence = 40, .error = 113})},
      {at(25), model::Observation(model::ProbeLocalError{.circuit = kCoax, .target = kGamma, .error = 105})},
      {at(26), model::Observation(model::SipOutcome{.carrier = model::CarrierId{1},
                                                    .circuit = kCoax,
                                                    .sequence = 9,
                                                    .result = model::SipResult::Final,
                                                    .code = 503,
                                                    .reply = model::ReplyClass::SoftDown,
                                                    .error = 111,
                                                    .late = true,
                                                    .sent = at(1),
                                                    .rtt = 25ms,
                                                    .retry_after = 30s,
                                                    .received_address = ip("203.0.113.9")})},
      {at(26), model::Observation(model::SipOutcome{.carrier = {}, .circuit = {}, .sent = at(-9)})},
      {at(27), model::Observation(model::GatewayState{.circuit = kCoax, .neighbour = model::Neighbour::Silent})},
      {at(28), model::Observation(model::ResolverState{.circuit = kCoax, .answering = false})},
      {at(29), model::Observation(model::LoopStall{.from = at(20), .to = at(29)})},
      {at(30), model::Observation(model::TrunkLoad{.trunk = {}, .calls = 12, .calls_per_second = 0.25})},
      {at(31), Reissued{}},
      {at(31), Woken{}},
      {at(32), Standing{.routes = routes,
                        .trunks = {trunk},
                        .orders = {{order}},
                        .links = {link},
                        .gateways = {{kCoax, model::Neighbour::Doubtful}},
                        .resolvers = {{kCoax, false}},
                        .learned = {{kCoax, "x", 1s}}}},
      {at(32), MovesRecalled{.traffic_class = {}, .text = "moves", .age = 3s}},
      {at(32), MovesHeld{.moves = {{.traffic_class = {}, .stands = kCoax, .escape = true, .again_after = 1500ms},
                                   {.traffic_class = {}, .stands = {}, .escape = false, .again_after = {}}}}},
      {at(32), model::Observation(model::CheckOutcome{.circuit = kCoax,
                                                      .kind = model::CheckKind::PublicAddress,
                                                      .check = "seen",
                                                      .result = model::CheckResult::Wrong,
                                                      .at = at(2),
                                                      .took = 12ms + 5ns,
                                                      .code = 302,
                                                      .certificate_left = -3h,
                                                      .address = ip("203.0.113.9"),
                                                      .hops = {ip("0.0.0.0"), ip("2001:db8::1")},
                                                      .detail = "answers 302"})},
      {at(40), model::Observation(model::ProbeReply{.circuit = kCoax, .target = kGamma, .sequence = 41, .rtt = 20ms, .code = -5})},
      {at(40), model::Observation(model::ProbeReply{
                   .circuit = kCoax,
                   .target = kGamma,
                   .sequence = 40,
                   .rtt = 20ms,
                   .reflection = model::Reflection{.session = 3, .ours = UINT32_MAX, .theirs = 7, .outbound = -1h, .inbound = 1h + 5ns}})},
      {at(40), model::Observation(model::ProbeReply{.circuit = kCoax,
                                                    .target = kGamma,
                                                    .sequence = 39,
                                                    .rtt = 20ms,
                                                    .code = 111,
                                                    .reflection = model::Reflection{.session = UINT32_MAX, .ours = 1}})},
      {at(41), model::Observation(model::ProberStuck{.circuit = kCoax, .since = at(-3000)})},
      {at(41), journal::ShareFound{.traffic_class = {}, .circuits = {kCoax}}},
      {at(41),
       model::Observation(model::SipOutcome{.carrier = model::CarrierId{1}, .circuit = kCoax, .sequence = 3, .sent = at(-1), .endpoint = kEndpoint})},
      {at(41),
       model::Observation(model::SipOverdue{.carrier = model::CarrierId{1}, .circuit = kCoax, .sequence = 4, .sent = at(-1), .endpoint = kEndpoint})},
      {at(41), model::Observation(
                   model::SipProvisional{.carrier = model::CarrierId{1}, .circuit = kCoax, .sequence = 4, .sent = at(-1), .endpoint = kEndpoint})},
      {at(41),
       model::Observation(model::CarrierLocated{.carrier = model::CarrierId{1},
                                                .circuit = kCoax,
                                                .lookup = model::Lookup::NoSuchName,
                                                .answered = at(-90),
                                                .endpoints = {{.at = kEndpoint, .priority = 65535, .weight = 7, .name = "a.example"}, {.at = {}}},
                                                .refused = {kEndpoint.address}})},
      {at(42), model::Observation(model::CallOutcome{.carrier = {},
                                                     .circuit = kCoax,
                                                     .endpoint = 3,
                                                     .fate = model::CallFate::Slow,
                                                     .code = 0,
                                                     .pdd = std::chrono::seconds(8),
                                                     .again = false,
                                                     .trial = true,
                                                     .sent = at(-8000)})},
      {at(41), journal::WayProbed{.traffic_class = {}, .by = kCoax, .proven = true}},
  };
}

std::string bytes_of(const std::vector<Record>& records) {
  BlockWriter writer(tests::two_by_two(), kRun, 1000);
  for (const Record& r : records) writer.add(r.input, r.now);
  return writer.take();
}

void put_check(std::string& bytes) {
  const auto check = crc32(std::string_view(bytes).substr(5));
  for (std::size_t i = 0; i < 4; ++i) bytes[1 + i] = static_cast<char>(check >> (8 * i));
}

}  // namespace

TEST_CASE("recording: every kind of input comes back with every field and its instant to the nanosecond") {
  const auto given = one_of_each();
  const auto block = decode_block(bytes_of(given));
  REQUIRE(block);
  CHECK(block->head.run == kRun);
  CHECK(block->head.index == 0);
  CHECK(block->head.names == names_of(tests::two_by_two()));
  REQUIRE(block->records.size() == given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    CAPTURE(i);
    CHECK(block->records[i].now == given[i].now);
    // Written again alone, the one read gives the bytes of the one given: every field came through.
    CHECK(bytes_of({block->records[i]}) == bytes_of({given[i]}));
  }
  const auto observation = [&](std::size_t i) { return std::get<model::Observation>(block->records[i].input); };
  const auto sent = std::get<model::ProbeSent>(observation(6));
  CHECK(sent.circuit == kCoax);
  CHECK(sent.target == kGamma);
  CHECK(sent.sequence == 41);
  CHECK(sent.kind == model::ProbeKind::Verify);
  CHECK(sent.sent == kRun + 3ms + 17ns - 60us);
  const auto sip = std::get<model::SipOutcome>(observation(10));
  CHECK(sip.code == 503);
  CHECK(sip.reply == model::ReplyClass::SoftDown);
  CHECK(sip.late);
  CHECK(*sip.retry_after == 30s);
  CHECK(sip.received_address->to_string() == "203.0.113.9");
  CHECK(std::get<model::LinkState>(observation(2)).gateway->to_string() == "2001:db8::1");
  CHECK(std::get<model::TrunkLoad>(observation(15)).calls_per_second == 0.25);
  const auto standing = std::get<Standing>(block->records[18].input);
  CHECK(standing.orders.overrides[0].reason == "a\nb");
  CHECK(standing.orders.overrides[0].until == model::WallTime(-7ms));
  CHECK(standing.trunks[0].sets == std::vector{12, -3, 21});
  CHECK(standing.learned[0].text == "x");
  CHECK(std::get<MovesRecalled>(block->records[19].input).text == "moves");
  const auto held = std::get<MovesHeld>(block->records[20].input);
  REQUIRE(held.moves.size() == 2);
  CHECK(held.moves[0].stands == kCoax);
  CHECK(held.moves[0].escape);
  CHECK(held.moves[0].again_after == 1500ms);
  CHECK_FALSE(held.moves[1].stands.has_value());
  const auto call = std::get<model::CallOutcome>(std::get<model::Observation>(block->records[given.size() - 2].input));
  CHECK(call.fate == model::CallFate::Slow);
  CHECK(call.endpoint == 3);
  CHECK(call.pdd == 8s);
  CHECK(call.trial);
  CHECK_FALSE(call.again);
  const auto probed = std::get<journal::WayProbed>(block->records.back().input);
  CHECK(probed.by == kCoax);
  CHECK(probed.proven);
}

TEST_CASE("recording: blocks follow each other, and each can be read without the others") {
  BlockWriter writer(tests::two_by_two(), kRun, 1000);
  CHECK(writer.empty());
  for (std::uint64_t s = 1; s <= 3; ++s) {
    writer.add(model::Observation(model::ProbeSent{.circuit = {}, .target = {}, .sequence = s, .sent = kRun + s * 1s}), kRun + s * 1s);
    CHECK(writer.first() == kRun + s * 1s);
    CHECK(writer.last() == kRun + s * 1s);
    const auto block = decode_block(writer.take());
    REQUIRE(block);
    CHECK(block->head.index == s - 1);
    REQUIRE(block->records.size() == 1);
    CHECK(std::get<model::ProbeSent>(std::get<model::Observation>(block->records[0].input)).sequence == s);
    CHECK(writer.empty());
  }
}

TEST_CASE("recording: a probe and its answer take about twenty bytes") {
  BlockWriter writer(tests::two_by_two(), kRun, 16384);
  Instant now = kRun;
  for (std::uint64_t s = 1; s <= 100; ++s) {
    now += 100ms + s * 1us;
    writer.add(model::Observation(model::ProbeSent{.circuit = kCoax, .target = kGamma, .sequence = s, .sent = now - 40us}), now);
    now += 13ms;
    writer.add(model::Observation(model::ProbeReply{.circuit = kCoax, .target = kGamma, .sequence = s, .rtt = 13ms}), now);
  }
  CHECK(writer.size() <= 2300);
}

TEST_CASE("recording: numbers at the edges of their range come back") {
  std::string bytes;
  Writer w(bytes);
  const std::vector<std::int64_t> given = {0, -1, 1, 63, 64, -64, -65, INT64_MAX, INT64_MIN, INT64_MAX - 1};
  for (std::int64_t v : given) near(w, v, 5);
  Reader r(bytes);
  for (const std::int64_t expected : given) {
    std::int64_t got = 0;
    near(r, got, 5);
    CHECK(got == expected);
  }
  CHECK_FALSE(r.bad());
  CHECK(r.left() == 0);
}

TEST_CASE("recording: a number of more than 64 bits, an unknown member of an enumeration and a count beyond the bytes are refused") {
  const auto reads = [](std::string_view bytes, auto read) {
    Reader r(bytes);
    read(r);
    return !r.bad();
  };
  const auto number = [](Reader& r) {
    std::uint64_t v = 0;
    r.number(v);
  };
  CHECK(reads(std::string(9, '\xff') + '\x01', number));
  CHECK_FALSE(reads(std::string(9, '\xff') + '\x02', number));
  CHECK_FALSE(reads(std::string(10, '\xff') + '\x01', number));
  CHECK_FALSE(reads("\xff", number));
  const auto kind = [](Reader& r) {
    auto v = model::Neighbour::Unknown;
    choice(r, v, model::Neighbour::Silent);
  };
  CHECK(reads("\x03", kind));
  CHECK_FALSE(reads("\x04", kind));
  const auto listed = [](Reader& r) {
    std::vector<int> v;
    list(r, v, [&](int& i) { whole(r, i); });
  };
  CHECK(reads(std::string("\x02\x00\x00", 3), listed));
  CHECK_FALSE(reads(std::string("\x03\x00\x00", 3), listed));
}

TEST_CASE("recording: a block that is cut short anywhere, or has any bit turned, is refused with the reason") {
  const std::string whole = bytes_of(one_of_each());
  REQUIRE(decode_block(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(decode_block(std::string_view(whole).substr(0, size)));
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string turned = whole;
    turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << (bit % 8)));
    const auto read = decode_block(turned);
    CHECK_FALSE(read);
  }
  CHECK(decode_block("abc").error().what == "a block of the recording is cut short");
  CHECK(decode_block(whole.substr(0, 40)).error().what == "a block of the recording is damaged: its checksum does not fit");
  std::string newer = whole;
  newer[0] = kBlockVersion + 1;
  CHECK(decode_block(newer).error().what == "a block of the recording was written by a newer version");
}

TEST_CASE("recording: with a fitting checksum too, what is cut short or turned never gives ids that nobody has") {
  const std::string whole = bytes_of(one_of_each());
  int refused = 0;
  for (std::size_t bit = 5 * 8; bit < whole.size() * 8; ++bit) {
    std::string turned = whole;
    turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << (bit % 8)));
    put_check(turned);
    const auto read = decode_block(turned);
    if (!read) {
      ++refused;
      continue;
    }
    for (const Record& r : read->records)
      if (const auto* o = std::get_if<model::Observation>(&r.input))
        if (const auto* sent = std::get_if<model::ProbeSent>(o)) {
          CHECK(sent->circuit.index() < read->head.names.circuits.size());
          CHECK(sent->target.index() < read->head.names.targets.size());
        }
  }
  CHECK(refused > 100);
  std::string cut = whole.substr(0, whole.size() - 1);
  put_check(cut);
  CHECK(decode_block(cut).error().what == "a block of the recording has a record that makes no sense");
  std::string strange = whole + '\x7f' + '\0';
  put_check(strange);
  CHECK(decode_block(strange).error().what == "a block of the recording has a record of a kind that this version does not know");
}

TEST_CASE("recording: the checksum is the one of zlib") { CHECK(crc32("123456789") == 0xCBF43926U); }
