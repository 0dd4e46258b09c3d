#include "controller/switch/read_back.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace linekeeper::route {
namespace {

using model::IpAddress;

// Behind every default route and, one hopes, behind nothing more special: RFC 5737 documentation, RFC 2544 benchmarking and
// class E; RFC 3849 and RFC 9637 documentation, RFC 5180 benchmarking and RFC 6666 discard. Several, because a laboratory may really
// use one of them.
constexpr const char* kFar4[] = {"192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "240.0.0.1"};
constexpr const char* kFar6[] = {"2001:db8::1", "2001:db8:ffff::1", "3fff::1", "2001:2::1", "100::1"};

std::span<const char* const> far_of(model::Family family) {
  if (family == model::Family::V4) return kFar4;
  return kFar6;
}

IpAddress plus(IpAddress a, std::uint32_t n) {
  std::uint32_t carry = n;
  for (std::size_t i = a.size(); i-- > 0 && carry != 0; carry >>= 8) {
    carry += a.bytes[i];
    a.bytes[i] = static_cast<std::uint8_t>(carry);
  }
  return a;
}

/// An address of the prefix that no circuit has for itself: those leave by their circuit, whatever their class.
std::optional<IpAddress> sample(const model::Prefix& prefix, const Desired& desired, const std::vector<model::Prefix>& taken) {
  for (std::uint32_t n = prefix.length + 1U >= prefix.address.size() * 8 ? 0 : 1; n < 16; ++n) {
    const IpAddress a = plus(prefix.address, n);
    if (!prefix.contains(a)) break;
    const bool own = std::ranges::any_of(desired.circuits, [&](const DesiredCircuit& c) {
      return c.source == a || std::ranges::any_of(c.pinned_sources, [&](const model::Prefix& p) { return p.contains(a); });
    });
    if (!own && !holds(taken, a, &model::Prefix::address)) return a;
  }
  return std::nullopt;
}

model::Prefix network_of(model::Prefix p) {
  for (std::size_t bit = p.length; bit < p.address.size() * 8; ++bit) p.address.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  return p;
}

struct Asked {
  std::optional<Question> question;
  std::string why_not;
};

/// The question that stands for the class's traffic; destination left open.
Asked question_for(Kernel& kernel, const DesiredClass& c, const Desired& desired, const KernelState& state) {
  Question q;
  q.mark = c.mark;
  if (c.incoming_interface) {
    const Link* link = state.link(*c.incoming_interface);
    if (link == nullptr || !link->up) return {std::nullopt, "interface " + *c.incoming_interface + " is not up"};
    q.incoming = link->ifindex;
    const auto own = std::ranges::find(link->addresses, c.family, [](const model::Prefix& p) { return p.address.family; });
    if (!c.source && own == link->addresses.end()) return {std::nullopt, "interface " + *c.incoming_interface + " has no address"};
    const auto a = c.source ? sample(*c.source, desired, link->addresses) : sample(network_of(*own), desired, link->addresses);
    if (!a) return {std::nullopt, "every address of it belongs to a circuit or to this host"};
    q.source = a;
    return {q, {}};
  }
  if (!c.source) return {q, {}};
  const auto a = sample(*c.source, desired, {});
  if (!a) return {std::nullopt, "every address of it belongs to a circuit"};
  q.source = a;
  const auto home = kernel.ask({.destination = *a, .source = {}, .mark = {}, .incoming = 0});
  if (!home) return {std::nullopt, a->to_string() + " is behind no interface"};
  if (home->local) return {q, {}};
  const Link* link = state.link(home->ifindex);
  if (link == nullptr || holds(desired.circuits, link->name, &DesiredCircuit::interface))
    return {std::nullopt, a->to_string() + " is not on the inside"};
  q.incoming = home->ifindex;
  return {q, {}};
}

/// What the kernel's answer about one destination proves.
struct Answered {
  ProofResult result;
  bool settles = false;  ///< the class's own table decided, or no destination would be answered better
};

Answered ask_for(Kernel& kernel, const DesiredClass& c, const std::vector<int>& interfaces, const Question& question, const KernelState& state) {
  const std::string to = question.destination.to_string();
  const auto way = kernel.ask(question);
  if (!way && question.incoming != 0) return {{Proof::Unproven, "the kernel would not forward it (" + way.error().what + ")"}, true};
  if (!way) return {{Proof::Contradicted, fmt::format("to {}: {}", to, way.error().what)}};
  if (way->table == c.table) {
    if (holds(interfaces, way->ifindex)) return {{Proof::Proven, {}}, true};
    const Link* link = state.link(way->ifindex);
    return {{Proof::Contradicted, fmt::format("it leaves by {}", link == nullptr ? "nothing" : link->name)}, true};
  }
  if (way->table >= kTableFirst && way->table <= kTableLast) return {{Proof::Unproven, fmt::format("table {} takes the sample first", way->table)}};
  if (!c.destinations.empty() && (way->local || way->table == kMainTable))
    return {{Proof::Unproven, fmt::format("the host has a route of its own to {}, which comes first (ip route get {})", to, to)}};
  return {{Proof::Contradicted, fmt::format("table {} decides, before or instead of ours (see ip rule)", way->table)}};
}

/// Each destination is a rule of its own: each is asked for, and the worst answer is the class's.
ProofResult prove_destinations(Kernel& kernel, const DesiredClass& c, const std::vector<int>& interfaces, Question question,
                               const KernelState& state) {
  ProofResult worst{Proof::Proven, {}};
  for (const model::Prefix& p : c.destinations) {
    question.destination = p.length + 1U >= p.address.size() * 8 ? p.address : plus(p.address, 1);
    const ProofResult result = ask_for(kernel, c, interfaces, question, state).result;
    if (result.proof == Proof::Contradicted) return result;
    if (result.proof == Proof::Unproven) worst = result;
  }
  return worst;
}

}  // namespace

ProofResult prove(Kernel& kernel, const DesiredClass& c, const std::vector<int>& interfaces, const Desired& desired, const KernelState& state) {
  Asked asked = question_for(kernel, c, desired, state);
  if (!asked.question) return {Proof::Unproven, asked.why_not};
  if (!c.destinations.empty()) return prove_destinations(kernel, c, interfaces, *asked.question, state);
  ProofResult last{Proof::Contradicted, "no route"};
  for (const char* far : far_of(c.family)) {
    asked.question->destination = *IpAddress::parse(far);
    const Answered answered = ask_for(kernel, c, interfaces, *asked.question, state);
    last = answered.result;
    if (answered.settles) break;
  }
  return last;
}

}  // namespace linekeeper::route
