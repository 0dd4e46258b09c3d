#include <doctest/doctest.h>

#include "carriers/calls/hep.hpp"
#include "carriers/calls/rtcp.hpp"
#include "tests/support/hep_packet.hpp"

using namespace linekeeper;
using calls::decode_hep;
using calls::HepFault;
using tests::big_endian;
using tests::hep_chunk;
using tests::hep_frame;
using tests::hep_packet;

namespace {
auto decoded(const std::string& packet) { return decode_hep(std::span(reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size())); }
HepFault fault(const std::string& packet) {
  const auto p = decoded(packet);
  REQUIRE(!p);
  return p.error();
}
}  // namespace

TEST_CASE("hep: a packet as Kamailio sends it is read, IPv4 and IPv6, and what is of others is skipped") {
  const std::string packet = hep_packet("10.10.0.11", 5060, "203.0.113.10", 5062, "OPTIONS", 1,
                                        hep_chunk(14, "secret") + hep_chunk(17, "call-1@pbx") + hep_chunk(3, "whatever", 7) + hep_chunk(999, ""));
  const auto p = decoded(packet);
  REQUIRE(p);
  CHECK(p->from.address.to_string() == "10.10.0.11");
  CHECK(p->from.port == 5060);
  CHECK(p->to.address.to_string() == "203.0.113.10");
  CHECK(p->to.port == 5062);
  CHECK(p->kind == calls::HepPayload::Sip);
  CHECK(p->capture_id == 1);
  CHECK(p->key == "secret");
  CHECK(p->correlation == "call-1@pbx");
  CHECK(p->payload == "OPTIONS");
  const std::string v6 = hep_packet("2001:db8::1", 5060, "2001:db8::2", 5061, "x", 5);
  REQUIRE(decoded(v6));
  CHECK(decoded(v6)->to.address.to_string() == "2001:db8::2");
  CHECK(decoded(v6)->kind == calls::HepPayload::Rtcp);
}

TEST_CASE("hep: what is not exactly a packet is refused, each fault by its name") {
  const std::string good = hep_packet("10.10.0.11", 5060, "203.0.113.10", 5060, "OPTIONS");
  CHECK(fault("") == HepFault::NotHep);
  CHECK(fault("HEP2" + good.substr(4)) == HepFault::NotHep);
  CHECK(fault(good.substr(0, 5)) == HepFault::NotHep);
  CHECK(fault(good + "x") == HepFault::BadLength);
  for (std::size_t cut = 6; cut < good.size(); ++cut) CHECK(!decoded(good.substr(0, cut)));
  CHECK(fault(hep_frame("abc")) == HepFault::BadChunk);
  CHECK(fault(hep_frame(big_endian(0, 2) + big_endian(1, 2) + big_endian(5, 2))) == HepFault::BadChunk);        // shorter than its own head
  CHECK(fault(hep_frame(big_endian(0, 2) + big_endian(1, 2) + big_endian(8, 2) + "x")) == HepFault::BadChunk);  // one byte beyond the packet
  CHECK(fault(hep_frame(hep_chunk(7, "x"))) == HepFault::BadChunk);
  CHECK(fault(hep_frame(hep_chunk(7, "xy") + hep_chunk(7, "xy"))) == HepFault::Repeated);
  CHECK(fault(hep_packet("10.10.0.11", 1, "203.0.113.10", 1, "x", 100)) == HepFault::NotOurs);
  CHECK(fault(hep_frame(hep_chunk(1, big_endian(2, 1)))) == HepFault::Incomplete);
  // An IPv6 address beside the IPv4 ones, and a family that is not the addresses'.
  CHECK(fault(hep_packet("10.10.0.11", 1, "203.0.113.10", 1, "x", 1, hep_chunk(5, std::string(16, 'a')))) == HepFault::Incomplete);
  std::string other = good;
  other[12] = 10;  // the value of the first chunk
  CHECK(fault(other) == HepFault::Incomplete);
}

TEST_CASE("hep: receiver reports are read from packets and from JSON, and nothing from what is malformed") {
  const auto block = [](int fraction, std::uint32_t jitter) {
    return big_endian(7, 4) + big_endian(static_cast<std::uint64_t>(fraction), 1) + big_endian(3, 3) + big_endian(9, 4) + big_endian(jitter, 4) +
           big_endian(0, 8);
  };
  const std::string rr = "\x81\xc9" + big_endian(7, 2) + big_endian(1, 4) + block(64, 80);
  const std::string sr = "\x81\xc8" + big_endian(12, 2) + big_endian(1, 4) + std::string(20, 'x') + block(0, 800);
  const auto reports = calls::read_rtcp(sr + rr);
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].jitter == std::chrono::milliseconds(100));
  CHECK(reports[1].loss_ratio == 0.25);
  CHECK(reports[1].jitter == std::chrono::milliseconds(10));
  for (std::size_t cut = 1; cut < rr.size(); ++cut) CHECK(calls::read_rtcp(rr.substr(0, cut)).empty());
  CHECK(calls::read_rtcp("\x9f\xc9" + big_endian(7, 2) + big_endian(1, 4) + block(64, 80)).empty());  // says 31 blocks, has one

  const auto json = calls::read_rtcp(R"({"ssrc":1,"type":201,"report_blocks":[{"source_ssrc":2,"fraction_lost":128,"ia_jitter":16}]})");
  REQUIRE(json.size() == 1);
  CHECK(json[0].loss_ratio == 0.5);
  CHECK(json[0].jitter == std::chrono::milliseconds(2));
  for (const char* bad :
       {"{", "{}", R"({"report_blocks":{}})", R"({"report_blocks":[1]})", R"({"report_blocks":[{"fraction_lost":256,"ia_jitter":1}]})",
        R"({"report_blocks":[{"fraction_lost":-1,"ia_jitter":1}]})", R"({"report_blocks":[{"fraction_lost":1}]})", R"({"a":[[[[[[[[[[[]]]]]]]]]]]})"})
    CHECK(calls::read_rtcp(bad).empty());
}
