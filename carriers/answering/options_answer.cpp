#include "carriers/answering/options_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace linekeeper::answering {
namespace {

const std::string kAllowed = "OPTIONS";

}  // namespace

OptionsAnswer::OptionsAnswer(model::SitePtr site, runtime::HashKey key) : site_(std::move(site)), key_(key), seen_(site_->carriers.size()) {
  for (Asker& asker : seen_) asker.last.resize(site_->circuits.size());
}

std::optional<std::size_t> OptionsAnswer::carrier_of(const model::IpAddress& address) const {
  const auto found = std::ranges::find_if(site_->carriers, [&](const model::Carrier& c) { return c.is_at(address); });
  if (found == site_->carriers.end()) return std::nullopt;
  return static_cast<std::size_t>(found - site_->carriers.begin());
}

std::optional<OptionsAnswer::Answer> OptionsAnswer::on_datagram(std::string_view datagram, const runtime::Peer& from, model::CircuitId circuit,
                                                                bool drained, model::Instant now) {
  const auto carrier = carrier_of(from.address);
  if (!carrier) {
    ++counters_.foreign;
    return std::nullopt;
  }
  Asker& asker = seen_[*carrier];
  if (now - asker.second >= std::chrono::seconds(1)) asker.second = now, asker.asked = 0;
  if (++asker.asked > kMostPerSecond) {
    ++counters_.limited;
    return std::nullopt;
  }
  const auto in = sip::parse_request(datagram);
  if (!in || in->request.method == "ACK") {
    ++counters_.malformed;
    return std::nullopt;
  }
  asker.last.at(circuit.index()) = now;
  const std::string whose = sip::transaction_key(in->request);
  sip::Reply reply{
      .status = in->status,
      .reason = {},
      .to_tag = fmt::format("{:016x}", runtime::keyed_hash(key_, std::span(reinterpret_cast<const std::uint8_t*>(whose.data()), whose.size()))),
      .more = in->more};
  if (reply.status == 0 && in->request.method != "OPTIONS") {
    reply.status = 405;
    reply.more.emplace_back("Allow", kAllowed);
  } else if (reply.status == 0 && drained) {
    reply.status = 503;
    reply.more.emplace_back("Retry-After", fmt::format("{}", site_->answering.retry_after / std::chrono::seconds(1)));
  } else if (reply.status == 0) {
    reply.status = 200;
    reply.more = {{"Allow", kAllowed}, {"Accept", "application/sdp"}};
  }
  ++(reply.status == 200 ? counters_.answered : counters_.refused);
  return Answer{.bytes = sip::write_reply(in->request, reply, from), .to = sip::reply_target(in->request, from)};
}

}  // namespace linekeeper::answering
