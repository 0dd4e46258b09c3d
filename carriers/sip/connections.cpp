#include "carriers/sip/connections.hpp"

#include <algorithm>

namespace linekeeper::sip {
using model::SipFault;

namespace {
constexpr std::size_t kMostUses = 32;  // twice what a path has on its way
}

const Connections::Use* Connections::use(std::uint64_t sequence) const {
  const auto found = std::ranges::find(uses_, sequence, &Use::sequence);
  return found == uses_.end() ? nullptr : &*found;
}
Connections::Use* Connections::use(std::uint64_t sequence) {
  const auto found = std::ranges::find(uses_, sequence, &Use::sequence);
  return found == uses_.end() ? nullptr : &*found;
}

Connections::One* Connections::one(ConnectionId id) {
  const auto found = std::ranges::find(all_, id, &One::id);
  return found == all_.end() ? nullptr : &*found;
}

bool Connections::waits_on(ConnectionId id) const {
  return std::ranges::any_of(uses_, [id](const Use& u) { return u.id == id && u.waits; });
}

Connections::Choice Connections::choose(std::uint64_t sequence) {
  // The newest: what is older than one that is suspect or not yet answered is no better.
  One* newest = all_.empty() ? nullptr : &all_.back();
  const bool warm = newest != nullptr && newest->answered && !newest->suspect && newest->used < kColdEvery - 1;
  if (!warm) newest = &all_.emplace_back(One{.id = ++last_, .first = sequence});
  if (warm) ++newest->used;
  std::erase_if(uses_, [sequence](const Use& u) { return u.sequence == sequence; });  // its connection was gone before it could begin
  if (uses_.size() == kMostUses) uses_.pop_front();
  uses_.push_back({.sequence = sequence, .id = newest->id, .fresh = !warm});
  return {.id = newest->id, .fresh = !warm};
}

void Connections::answered(std::uint64_t sequence) {
  const Use* u = use(sequence);
  if (u == nullptr) return;
  last_answered_ = std::max(last_answered_, u->id);
  if (One* c = one(u->id)) {
    c->answered = true;
    c->suspect = false;
  }
}

void Connections::silent(std::uint64_t sequence) {
  if (const Use* u = use(sequence))
    if (One* c = one(u->id)) c->suspect = true;
}

void Connections::ended(std::uint64_t sequence) {
  if (Use* u = use(sequence)) u->waits = false;
}

std::vector<std::uint64_t> Connections::gone(ConnectionId id) {
  std::vector<std::uint64_t> waited;
  for (const Use& u : uses_)
    if (u.id == id && u.waits) waited.push_back(u.sequence);
  const One* lost = one(id);
  // One that never answered: the carrier connects no more, and the older ones prove nothing about that.
  if (lost != nullptr && !lost->answered)
    for (One& c : all_) c.suspect = true;
  std::erase_if(all_, [id](const One& c) { return c.id == id; });
  return waited;
}

std::vector<ConnectionId> Connections::surplus() {
  std::vector<ConnectionId> out;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const One& c = all_[i];
    const bool newest = i + 1 == all_.size();
    const bool of_use = waits_on(c.id) || (newest && !c.suspect);
    if (!of_use || all_.size() - i > kMostConnections) out.push_back(c.id);
  }
  std::erase_if(all_, [&](const One& c) { return std::ranges::find(out, c.id) != out.end(); });
  return out;
}

SipFault Connections::fault(std::uint64_t sequence) const {
  const Use* u = use(sequence);
  if (u == nullptr) return SipFault::None;
  if (last_answered_ > u->id) return SipFault::FlowDead;
  return u->fresh || last_ > u->id ? SipFault::PeerDead : SipFault::FlowDead;
}

bool Connections::opened_by(std::uint64_t sequence) const {
  const Use* u = use(sequence);
  return u != nullptr && u->fresh;
}

ConnectionId Connections::of(std::uint64_t sequence) const {
  const Use* u = use(sequence);
  return u != nullptr && std::ranges::find(all_, u->id, &One::id) != all_.end() ? u->id : 0;
}

}  // namespace linekeeper::sip
