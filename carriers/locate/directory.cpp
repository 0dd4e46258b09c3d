#include "carriers/locate/directory.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace linekeeper::locate {
namespace {

/// The same endpoints, in whatever order chance has put them.
bool same(std::vector<model::LocatedEndpoint> a, std::vector<model::LocatedEndpoint> b) {
  const auto by_address = [](const model::LocatedEndpoint& e) { return e.at; };
  std::ranges::sort(a, {}, by_address);
  std::ranges::sort(b, {}, by_address);
  return a == b;
}

}  // namespace

Directory::Directory(model::CarrierId carrier, model::CircuitId circuit) {
  held_.carrier = carrier;
  held_.circuit = circuit;
  held_.lookup = model::Lookup::Unanswered;
}

void Directory::recall(std::vector<model::LocatedEndpoint> endpoints, model::Instant answered) {
  held_.endpoints = std::move(endpoints);
  held_.answered = answered;
}

bool Directory::keep(const Found& found, model::Instant now) {
  std::vector<model::LocatedEndpoint> endpoints = found.endpoints;
  // A target whose address was not answered for keeps the one it had, as long as the service still names it.
  for (const model::LocatedEndpoint& before : held_.endpoints) {
    const bool unanswered = std::ranges::find(found.unanswered, before.name) != found.unanswered.end();
    const bool there = std::ranges::any_of(endpoints, [&](const auto& e) { return e.at == before.at; });
    if (unanswered && !there && endpoints.size() < model::kMostEndpoints) endpoints.push_back(before);
  }
  held_.answered = now;
  if (same(endpoints, held_.endpoints)) return false;
  held_.endpoints = std::move(endpoints);
  return true;
}

bool Directory::on(const Found& found, model::Instant now) {
  const auto lookup_before = std::exchange(held_.lookup, found.what == Found::What::Endpoints    ? model::Lookup::Found
                                                         : found.what == Found::What::NoSuchName ? model::Lookup::NoSuchName
                                                                                                 : model::Lookup::Unanswered);
  std::vector<model::IpAddress> refused = found.refused;
  std::ranges::sort(refused);
  bool news = std::exchange(told_, true) ? held_.lookup != lookup_before || refused != held_.refused : true;
  held_.refused = std::move(refused);
  if (found.what == Found::What::Endpoints) {
    news = keep(found, now) || news;
    retry_ = kFirstRetry;
    next_ = now + (found.unanswered.empty() ? std::clamp(found.ttl, kLeastTtl, kMostTtl) : kLeastTtl);
  } else {
    next_ = now + retry_;
    retry_ = std::min(2 * retry_, kMostRetry);
  }
  return news;
}

}  // namespace linekeeper::locate
