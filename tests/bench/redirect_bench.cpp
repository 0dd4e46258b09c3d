// What an SBC's question costs: an INVITE read, decided and answered by 302 with the ways of a trunk, alone and over real sockets on loopback.
#include <benchmark/benchmark.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <string>

#include "carriers/trunks/redirect_answers.hpp"
#include "carriers/trunks/responder_driver.hpp"

namespace {

using namespace linekeeper;
using udp = boost::asio::ip::udp;

const std::string kOffer =
    "v=0\r\no=desk 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
const std::string kInvite =
    "INVITE sip:+442079460123@10.10.0.1:5070;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK776asdhds\r\n"
    "Max-Forwards: 70\r\nFrom: \"Desk\" <sip:201@127.0.0.1>;tag=1928301774\r\nTo: <sip:+442079460123@10.10.0.1>\r\nCall-ID: a84b4c76e66710\r\n"
    "CSeq: 314159 INVITE\r\nContact: <sip:201@127.0.0.1>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nContent-Type: application/sdp\r\n"
    "Content-Length: " +
    std::to_string(kOffer.size()) + "\r\n\r\n" + kOffer;

std::vector<model::ResponderWay> ways(std::int64_t count) {
  std::vector<model::ResponderWay> all;
  for (std::int64_t i = 0; i < count; ++i)
    all.push_back({std::to_string(5071 + i), static_cast<std::uint16_t>(5071 + i), "203.0.113." + std::to_string(i + 1) + ":5060"});
  return all;
}

void redirect_alone(benchmark::State& state) {
  const trunks::RedirectAnswers answers(ways(state.range(0)), {1, 2});
  const runtime::Peer from{.address = *model::IpAddress::parse("127.0.0.1"), .port = 5060};
  if (answers.at_redirect(*sip::parse_request(kInvite))->status != 302) return state.SkipWithError("the INVITE is not redirected");
  for (auto _ : state) {
    const auto in = sip::parse_request(kInvite);
    benchmark::DoNotOptimize(sip::write_reply(in->request, *answers.at_redirect(*in), from));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(redirect_alone)->ArgName("ways")->Arg(4)->Arg(32);

/// The sender and the reader of the answers work in the same thread: the daemon's part is less than what is measured.
void redirect_over_loopback(benchmark::State& state) {
  constexpr int kAtOnce = 32;
  boost::asio::io_context io;
  model::Pbx pbx;
  pbx.driver = model::PbxDriver::Responder;
  pbx.listen = *model::IpAddress::parse("127.0.0.1");
  pbx.redirect_port = udp::socket(io, {boost::asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
  pbx.allow = {*model::Prefix::parse("127.0.0.1/32")};
  pbx.ways = ways(4);
  for (auto& way : pbx.ways) way.port = udp::socket(io, {boost::asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
  // Without the limit of so many a second, which is what would be measured.
  trunks::ResponderDriver driver(io.get_executor(), pbx, {}, 1, {.options = 1 << 30, .invites = 1 << 30});
  driver.start();
  udp::socket sbc(io, {boost::asio::ip::address_v4::loopback(), 0});
  sbc.non_blocking(true);
  const udp::endpoint redirector{boost::asio::ip::address_v4::loopback(), pbx.redirect_port};
  std::array<char, 4096> buffer;
  std::int64_t answered = 0;
  for (auto _ : state) {
    for (int i = 0; i < kAtOnce; ++i) sbc.send_to(boost::asio::buffer(kInvite), redirector);
    for (int here = 0; here < kAtOnce;) {
      io.poll();
      boost::system::error_code none;
      if (sbc.receive(boost::asio::buffer(buffer), 0, none) > 0) ++here;
    }
    answered += kAtOnce;
  }
  if (driver.counters().redirected != static_cast<std::uint64_t>(answered)) return state.SkipWithError("not all were redirected");
  state.SetItemsProcessed(answered);
}
BENCHMARK(redirect_over_loopback);

}  // namespace
