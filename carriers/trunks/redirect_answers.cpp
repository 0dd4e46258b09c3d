#include "carriers/trunks/redirect_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "carriers/sip/message_head.hpp"

namespace linekeeper::trunks {
namespace {

const std::string kAllowed = "INVITE, ACK, CANCEL, OPTIONS";

}  // namespace

std::string user_of(std::string_view uri) {
  const auto colon = uri.find(':');
  if (colon == std::string_view::npos) return {};
  std::string_view rest = uri.substr(colon + 1);
  if (sip::lower(uri.substr(0, colon)) == "tel") return std::string(rest.substr(0, rest.find(';')));
  const auto at = rest.find('@');
  return at == std::string_view::npos ? std::string() : std::string(rest.substr(0, at));
}

RedirectAnswers::RedirectAnswers(std::vector<model::ResponderWay> ways, runtime::HashKey key)
    : ways_(std::move(ways)), key_(key), willing_(ways_.size(), true) {
  for (std::size_t i = 0; i < ways_.size(); ++i) order_.push_back(i);
}

void RedirectAnswers::set(const Order& order, std::size_t usable) {
  std::vector<std::size_t> positions;
  for (const std::string& name : order) {
    const auto found = std::ranges::find(ways_, name, &model::ResponderWay::name);
    if (found != ways_.end()) positions.push_back(static_cast<std::size_t>(found - ways_.begin()));
  }
  if (positions.empty()) return;  // refused before: a PBX without a way is never wanted
  order_ = std::move(positions);
  const std::size_t best = order_.front();
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    const auto place = std::ranges::find(order_, i);
    const bool takes_calls = place != order_.end() && static_cast<std::size_t>(place - order_.begin()) < usable;
    willing_[i] = i == best || (i > best && takes_calls);
  }
}

/// The same for the same request, so that a retransmission has the same answer (RFC 3261 8.2.7); others cannot guess it.
std::string RedirectAnswers::tag(const sip::Request& request) const {
  const std::string key = sip::transaction_key(request);
  return fmt::format("{:016x}", runtime::keyed_hash(key_, std::span(reinterpret_cast<const std::uint8_t*>(key.data()), key.size())));
}

/// What is answered alike on every port: what is wrong, what we do not do, what belongs to no dialog of ours.
std::optional<sip::Reply> RedirectAnswers::common(const sip::Incoming& in) const {
  const auto say = [&](int status, std::vector<std::pair<std::string, std::string>> more = {}) {
    return sip::Reply{.status = status, .reason = {}, .to_tag = tag(in.request), .more = std::move(more)};
  };
  if (in.status != 0) return say(in.status, in.more);
  if (in.request.method == "CANCEL" || !in.request.to_tag.empty()) return say(481);  // whatever it is about has been answered finally
  if (in.request.method != "OPTIONS" && in.request.method != "INVITE") return say(405, {{"Allow", kAllowed}});
  return std::nullopt;
}

std::optional<sip::Reply> RedirectAnswers::at_way(std::size_t way, const sip::Incoming& in) const {
  if (in.request.method == "ACK") return std::nullopt;
  if (auto reply = common(in)) return reply;
  const std::string own = tag(in.request);
  if (in.request.method == "INVITE")  // a monitored port carries no calls: the SBC is set up wrongly, and is to try its next
    return sip::Reply{.status = 503, .reason = "Monitoring port, calls go to the redirecting one", .to_tag = own};
  if (!willing_.at(way)) return sip::Reply{.status = 503, .reason = {}, .to_tag = own};
  return sip::Reply{.status = 200, .reason = {}, .to_tag = own, .more = {{"Allow", kAllowed}, {"Accept", "application/sdp"}}};
}

std::optional<sip::Reply> RedirectAnswers::at_redirect(const sip::Incoming& in) const {
  if (in.request.method == "ACK") return std::nullopt;
  if (auto reply = common(in)) return reply;
  const std::string own = tag(in.request);
  if (in.request.method == "OPTIONS")
    return sip::Reply{.status = 200, .reason = {}, .to_tag = own, .more = {{"Allow", kAllowed}, {"Accept", "application/sdp"}}};
  if (order_.empty()) return sip::Reply{.status = 503, .reason = "No way is configured", .to_tag = own};
  sip::Reply reply{.status = 302, .reason = {}, .to_tag = own};
  const std::string user = user_of(in.request.uri);
  std::vector<std::string_view> named;
  for (std::size_t place = 0; place < order_.size(); ++place) {
    const std::string& contact = ways_[order_[place]].contact;
    if (std::ranges::find(named, contact) != named.end()) continue;  // the same carrier through another circuit: it is tried once
    named.push_back(contact);
    // q falls from 1 in steps that stay distinct for as many ways as there may be (RFC 3261 20.10: three decimals).
    const double q = 1.0 - static_cast<double>(place) / static_cast<double>(kMostWays);
    reply.more.emplace_back("Contact", fmt::format("<sip:{}{}{}>;q={:.3f}", user, user.empty() ? "" : "@", contact, q));
  }
  return reply;
}

}  // namespace linekeeper::trunks
