#include "probes/stamp_reflector.hpp"

#include <algorithm>

namespace linekeeper::probes {
namespace {

/// Makes room for one more: what was not heard of for long goes, and if that is nothing, what was heard of longest ago.
template <class Map, class HeardAt>
void make_room(Map& map, std::size_t most, model::Duration forget, model::Instant now, HeardAt heard_at) {
  if (map.size() < most) return;
  std::erase_if(map, [&](const auto& entry) { return now - heard_at(entry.second) > forget; });
  if (map.size() < most) return;
  map.erase(std::ranges::min_element(map, {}, [&](const auto& entry) { return heard_at(entry.second); }));
}

}  // namespace

StampReflector::StampReflector(ReflectorRule rule, std::uint16_t port) : rule_(std::move(rule)), port_(port) { all_.left = rule_.packets_per_second; }

bool StampReflector::Bucket::take(double rate, model::Instant now) {
  if (at != model::Instant{} && now > at) left = std::min(rate, left + rate * model::seconds(now - at));
  at = now;
  if (left < 1) return false;
  left -= 1;
  return true;
}

bool StampReflector::welcome(const Reflected& packet) const {
  if (packet.port == 0 || packet.port == port_ || packet.port == kStampPort) return false;
  return rule_.from.empty() || std::ranges::any_of(rule_.from, [&](const model::Prefix& p) { return p.contains(packet.source); });
}

bool StampReflector::within_rates(const model::IpAddress& source, model::Instant now) {
  auto known = sources_.find(source);
  if (known == sources_.end()) {
    make_room(sources_, kMostSources, std::chrono::seconds(10), now, [](const Bucket& b) { return b.at; });
    known = sources_.emplace(source, Bucket{.left = rule_.each_per_second}).first;
  }
  return known->second.take(rule_.each_per_second, now) && all_.take(rule_.packets_per_second, now);
}

std::uint32_t StampReflector::count(const SessionKey& key, model::Instant now) {
  auto known = sessions_.find(key);
  if (known == sessions_.end()) {
    make_room(sessions_, kMostSessions, kForget, now, [](const Session& s) { return s.heard; });
    known = sessions_.emplace(key, Session{}).first;
  } else if (now - known->second.heard > kForget) {
    known->second = {};
  }
  known->second.heard = now;
  return known->second.next++;
}

std::optional<std::size_t> StampReflector::answer(const Reflected& packet, NtpTime sent, model::Instant now, std::span<std::uint8_t> out) {
  const auto request = parse_stamp_request(packet.bytes);
  if (!request) {
    ++counters_.malformed;
    return std::nullopt;
  }
  if (!welcome(packet)) {
    ++counters_.refused;
    return std::nullopt;
  }
  // Counted before the rates are asked: what reached us was not lost on the way out, whether it is answered or not.
  const std::uint32_t number =
      rule_.stateful ? count({.source = packet.source, .port = packet.port, .id = request->session}, now) : request->sequence;
  if (!within_rates(packet.source, now)) {
    ++counters_.too_many;
    return std::nullopt;
  }
  write_stamp_reply({.sequence = number,
                     .sent = sent,
                     .received = packet.received,
                     .error_estimate = kErrorEstimate,
                     .session = request->session,
                     .request = *request,
                     .ttl = packet.ttl},
                    packet.bytes, out.first(packet.bytes.size()));
  ++counters_.answered;
  return packet.bytes.size();
}

}  // namespace linekeeper::probes
