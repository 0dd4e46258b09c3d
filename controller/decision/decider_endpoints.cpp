// What the judge tells of a carrier's addresses: which DNS names, which take calls.
#include <fmt/format.h>

#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"

namespace linekeeper::decision {

using model::EventId;
using model::Instant;

namespace {

template <class T>
std::string listed(const std::vector<T>& all) {
  std::string out;
  for (const T& one : all) out += (out.empty() ? "" : ", ") + one.to_string();
  return out;
}

}  // namespace

void Decider::tell_located(const model::CarrierLocated& located, const PathEndpoints::Relisted& changed, Instant now) {
  const std::string& carrier = (*site_)[located.carrier].name;
  const std::string& circuit = (*site_)[located.circuit].name;
  const std::string& host = (*site_)[located.carrier].host;
  const std::vector<std::pair<std::string, std::string>> fields = {{"circuit", circuit}, {"name", host}};
  if (changed.refused)
    tell(EventId::CarrierAddressRefused, "carrier " + carrier,
         fmt::format("The resolvers of {} answer {} for {}, outside its pinned networks: not asked and not steered to.", circuit,
                     listed(located.refused), host),
         now, fields);
  if (!changed.added.empty() || !changed.gone.empty())
    tell(EventId::CarrierLocated, "carrier " + carrier,
         fmt::format("{} by the resolvers of {}:{}{}{}{}.", host, circuit, changed.added.empty() ? "" : " now also ", listed(changed.added),
                     changed.gone.empty() ? "" : (changed.added.empty() ? " no more " : ", no more "), listed(changed.gone)),
         now, fields);
  if (!changed.lookup || located.lookup == model::Lookup::Found) return;
  const std::string stays = located.endpoints.empty() ? "it has no address yet"
                                                      : fmt::format("the {} of {} ago stay", located.endpoints.size() == 1 ? "address" : "addresses",
                                                                    words(now - located.answered));
  tell(EventId::CarrierNotLocated, "carrier " + carrier,
       fmt::format("The resolvers of {} {} {}: {}.", circuit,
                   located.lookup == model::Lookup::NoSuchName ? "say that there is no such SIP server as" : "do not answer for", host, stays),
       now, fields);
}

void Decider::tell_endpoints(std::size_t path, Instant now) {
  for (const model::EndpointStatus& e : paths_[path].turned()) {
    diagnosis_due_ = true;
    const auto carrier = model::id_at<model::CarrierId>(path / circuits_.size());
    const auto circuit = model::id_at<model::CircuitId>(path % circuits_.size());
    const bool down = e.verdict.health == model::Health::Down;
    tell(down ? EventId::EndpointDown : EventId::EndpointUp, "carrier " + (*site_)[carrier].name,
         fmt::format("{} via {}: {}.", e.where.at.to_string(), (*site_)[circuit].name, endpoint_clause(*site_, carrier, circuit, e, now)), now,
         {{"circuit", (*site_)[circuit].name}, {"endpoint", e.where.at.to_string()}, {"cause", std::string(to_string(e.verdict.cause))}});
  }
}

}  // namespace linekeeper::decision
