#include "controller/decision/capacity.hpp"

namespace linekeeper::decision {

namespace {
constexpr double kToSpare = 0.9;
constexpr double kRounding = 1 + 1e-9;  // 9 * 87.2 + 87.2 is a little more than 10 * 87.2
}  // namespace

std::optional<Load> load_of(const model::Trunk& trunk, const std::optional<model::TrunkLoad>& measured) {
  if (measured) return Load{measured->calls, measured->calls_per_second};
  if (!trunk.busy_hour_calls && !trunk.busy_hour_calls_per_second) return std::nullopt;
  return Load{trunk.busy_hour_calls.value_or(0), trunk.busy_hour_calls_per_second.value_or(0)};
}

void Claims::reset(const model::Site& site) {
  carriers_.assign(site.carriers.size(), {});
  circuits_.assign(site.circuits.size(), 0.0);
}

void Claims::claim(const Load& load, model::CarrierId carrier, std::optional<model::CircuitId> via, model::Codec codec) {
  Load& contract = carriers_[carrier.index()];
  contract.calls += load.calls;
  contract.calls_per_second += load.calls_per_second;
  if (via) circuits_[via->index()] += load.calls * model::kbps_each_way(codec);
}

std::optional<Shortfall> shortfall_of(const Load& load, const Claims::Share& taken, const model::Carrier& carrier, const model::Circuit* via,
                                      model::Codec codec, bool was_short) {
  using Of = Shortfall::Of;
  const auto lacks = [&](Of of, double own, double others, double available) -> std::optional<Shortfall> {
    if (own + others <= (was_short ? kToSpare : 1.0) * available * kRounding) return std::nullopt;
    return Shortfall{of, own + others, available, others};
  };
  std::optional<Shortfall> found;
  if (carrier.channels) found = lacks(Of::Channels, load.calls, taken.load.calls, *carrier.channels);
  if (!found && carrier.calls_per_second)
    found = lacks(Of::CallsPerSecond, load.calls_per_second, taken.load.calls_per_second, *carrier.calls_per_second);
  if (!found && via != nullptr && via->bandwidth_kbps)
    found = lacks(Of::Bandwidth, load.calls * model::kbps_each_way(codec), taken.kbps, *via->bandwidth_kbps);
  return found;
}

}  // namespace linekeeper::decision
