// What listening to calls costs: a whole call is ten mirrored messages (INVITE, 100, 180, 200, ACK, BYE, 200 and the PBX's own side of
// three of them), each a HEP packet that is decoded, read, put in the book, and what ends is weighed by the judge. A site with 500 calls
// a second has half a millisecond of one core for each if that is to take a quarter of it.
#include <benchmark/benchmark.h>

#include "carriers/calls/call_book.hpp"
#include "tests/support/hep_packet.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;

namespace {

model::Site heard_site() {
  model::Site s = tests::two_by_two();
  s.calls.listen = *model::IpAddress::parse("127.0.0.1");
  s.circuits[0].sources = {*model::Prefix::parse("10.10.0.11")};
  return s;
}

/// The packets of one call; its number is written into each.
struct CallPackets {
  explicit CallPackets(std::uint64_t n) {
    const std::string id = std::to_string(n);
    const tests::SipText ask{
        .call_id = "call-" + id + "-0123456789abcdef@10.10.0.20", .branch = "z9hG4bK" + id + "0123456789abcdef", .from_tag = "f" + id};
    tests::SipText answer = ask;
    answer.to_tag = "t" + id;
    tests::SipText bye = answer;
    bye.branch += "b", bye.cseq = 2;
    tests::SipText phone = ask;  // the PBX's other side
    phone.branch = "z9hG4bKphone" + id;
    const auto out = [&](const std::string& text) { all.push_back(tests::hep_packet("10.10.0.11", 5060, "203.0.113.10", 5060, text)); };
    const auto in = [&](const std::string& text) { all.push_back(tests::hep_packet("203.0.113.10", 5060, "10.10.0.11", 5060, text)); };
    all.push_back(tests::hep_packet("10.10.0.20", 5060, "10.10.0.10", 5060, phone.request("INVITE")));
    out(ask.request("INVITE"));
    in(ask.response(100));
    in(answer.response(180));
    all.push_back(tests::hep_packet("10.10.0.10", 5060, "10.10.0.20", 5060, phone.response(180)));
    in(answer.response(200));
    all.push_back(tests::hep_packet("10.10.0.10", 5060, "10.10.0.20", 5060, phone.response(200)));
    out(answer.request("ACK"));
    out(bye.request("BYE"));
    in(bye.response(200, "BYE"));
  }
  std::vector<std::string> all;
};

void calls_whole(benchmark::State& state) {
  const model::Site site = heard_site();
  calls::CallBook book(site, 42);
  decision::Decider judge(std::make_shared<const model::Site>(site), model::Instant(std::chrono::hours(1)));
  std::vector<CallPackets> calls;
  for (std::uint64_t n = 0; n < 20000; ++n) calls.emplace_back(n);
  model::Instant now(std::chrono::hours(1));
  std::size_t next = 0, outcomes = 0;
  const auto weigh = [&](const std::vector<model::CallOutcome>& told) {
    for (const model::CallOutcome& o : told) judge.observe(o, now), ++outcomes;
  };
  for (auto _ : state) {
    now += std::chrono::milliseconds(2);  // 500 a second
    for (const std::string& packet : calls[next++ % calls.size()].all) {
      const auto p = calls::decode_hep({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()});
      weigh(book.see(p->from, p->to, p->payload, now));
    }
    weigh(book.look(now));
  }
  state.counters["calls_per_second"] = benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["outcomes"] = static_cast<double>(outcomes);
  state.counters["legs"] = static_cast<double>(book.legs());
}
BENCHMARK(calls_whole)->Unit(benchmark::kMicrosecond);

}  // namespace
