// Any bytes as a mirrored packet, and any SIP in it, through the book: what a stranger on the LAN, or a carrier inside a sound packet,
// can make us read. Half of the inputs are taken for SIP, so that the readers behind the frame are reached.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "carriers/calls/call_book.hpp"
#include "carriers/calls/rtcp.hpp"

using namespace linekeeper;

namespace {

const model::Site& site() {
  static const model::Site kSite = [] {
    model::Site s;
    const auto ip = [](const char* text) { return *model::IpAddress::parse(text); };
    s.calls.listen = ip("127.0.0.1");
    s.circuits = {{.name = "fiber", .sources = {*model::Prefix::parse("10.10.0.11")}}};
    s.carriers = {{.name = "north", .address = ip("203.0.113.10")}};
    s.pbxs = {{.name = "pbx"}};
    s.trunks = {{.name = "out", .carriers = {model::CarrierId{0}}, .members = {{model::CarrierId{0}, model::CircuitId{0}, 11}}}};
    return s;
  }();
  return kSite;
}

void require(bool holds) {
  if (!holds) std::abort();
}

/// What is read lies within the message.
void within(std::string_view part, std::string_view whole) {
  require(part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()));
}

void check_sip(std::string_view message) {
  const auto sip = calls::read_sip(message);
  if (!sip) return;
  require(sip->status == 0 || (sip->status >= 100 && sip->status <= 699));
  for (const std::string_view part : {sip->call_id, sip->branch, sip->from_tag, sip->to_tag}) {
    within(part, message);
    require(part.size() <= calls::kLongestIdentifier);
  }
  require(!sip->call_id.empty() && !sip->branch.empty() && !sip->from_tag.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static calls::CallBook book(site(), 7, 64, 64);
  static model::Instant now(std::chrono::hours(1));
  now += std::chrono::milliseconds(50);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_sip(text);
  for (const calls::ReceiverReport& r : calls::read_rtcp(text)) require(r.loss_ratio >= 0 && r.loss_ratio < 1);
  const calls::Endpoint pbx{*model::IpAddress::parse("10.10.0.11"), 5060}, north{*model::IpAddress::parse("203.0.113.10"), 5060};
  const auto check = [](const std::vector<model::CallOutcome>& told) {
    for (const model::CallOutcome& o : told)
      require(o.carrier.index() == 0 && o.circuit.index() == 0 && (o.code == 0 || (o.code >= 200 && o.code <= 699)));
  };
  check(book.see(pbx, north, text, now));
  check(book.see(north, pbx, text, now));
  check(book.look(now));
  require(book.legs() <= 64 && book.calls() <= 64 && book.in_progress({}, {}) >= 0);
  if (const auto packet = calls::decode_hep({data, size})) {
    within(packet->payload, text);
    within(packet->key, text);
    within(packet->correlation, text);
    check(book.see(packet->from, packet->to, packet->payload, now));
    require(calls::read_rtcp(packet->payload).size() <= calls::kMostReports);
  }
  return 0;
}
