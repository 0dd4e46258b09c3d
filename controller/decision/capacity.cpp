#include "controller/decision/capacity.hpp"

#include <utility>

namespace linekeeper::decision {

namespace {
constexpr double kToSpare = 0.9;
constexpr double kPacketsPerSecond = 50, kBytesAround = 12 + 8 + 20 + 18, kBitsPerByte = 8, kBitsPerKilobit = 1000;

constexpr double kbps_of(double bytes_of_voice) { return (bytes_of_voice + kBytesAround) * kBitsPerByte * kPacketsPerSecond / kBitsPerKilobit; }
}  // namespace

std::optional<Load> load_of(const model::Trunk& trunk, const std::optional<model::TrunkLoad>& measured) {
  if (measured) return Load{measured->calls, measured->calls_per_second};
  if (!trunk.busy_hour_calls && !trunk.busy_hour_calls_per_second) return std::nullopt;
  return Load{trunk.busy_hour_calls.value_or(0), trunk.busy_hour_calls_per_second.value_or(0)};
}

double kbps_each_way(model::Codec codec) {
  switch (codec) {
    case model::Codec::G729A: return kbps_of(20);
    case model::Codec::Opus: return kbps_of(42);
    case model::Codec::None:
    case model::Codec::G711:
    case model::Codec::G711NoPlc: break;
  }
  return kbps_of(160);
}

std::optional<Shortfall> shortfall_of(const Load& load, const model::Carrier& carrier, const model::Circuit* via, model::Codec codec,
                                      bool was_short) {
  const auto lacks = [&](double needed, double available) { return needed > (was_short ? kToSpare : 1.0) * available; };
  const double calls = load.calls;
  if (carrier.channels && lacks(calls, *carrier.channels)) return Shortfall{Shortfall::Of::Channels, calls, static_cast<double>(*carrier.channels)};
  if (carrier.calls_per_second && lacks(load.calls_per_second, *carrier.calls_per_second))
    return Shortfall{Shortfall::Of::CallsPerSecond, load.calls_per_second, *carrier.calls_per_second};
  const double kbps = calls * kbps_each_way(codec);
  if (via != nullptr && via->bandwidth_kbps && lacks(kbps, *via->bandwidth_kbps))
    return Shortfall{Shortfall::Of::Bandwidth, kbps, *via->bandwidth_kbps};
  return std::nullopt;
}

}  // namespace linekeeper::decision
