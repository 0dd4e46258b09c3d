#include "controller/decision/check_findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace linekeeper::decision {

using model::CheckKind;
using model::CheckOutcome;
using model::CheckResult;
using model::CircuitId;
using model::Instant;

namespace {

constexpr std::size_t kAgreeing = 2;  // so many checks of different servers must agree before data leaves a circuit for them

/// "portal.example" of "http://portal.example:8080/x": checks of one host are one witness.
std::string_view host_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const auto port = url.rfind(':');
  return port == std::string_view::npos || url.ends_with(']') ? url : url.substr(0, port);
}

bool in(const model::IpAddress& a, std::span<const std::string_view> prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view text) { return model::Prefix::parse(text)->contains(a); });
}

}  // namespace

bool one_of_its_kind(const model::IpAddress& a) {
  static constexpr std::string_view kV4[] = {"0.0.0.0/8",      "10.0.0.0/8",    "100.64.0.0/10", "127.0.0.0/8",
                                             "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"};
  static constexpr std::string_view kV6[] = {"::/128", "::1/128", "fc00::/7", "fe80::/10"};
  return !(a.family == model::Family::V4 ? in(a, kV4) : in(a, kV6));
}

CheckFindings::CheckFindings(const model::Site& site)
    : site_(&site), circuits_(site.circuits.size()), slots_(site.checks.size() * site.circuits.size()), well_since_(site.circuits.size()) {}

std::optional<CheckFindings::Change> CheckFindings::on(const CheckOutcome& o, bool fit, Instant now) {
  const auto found = std::ranges::find_if(site_->checks, [&](const model::Check& c) { return c.name == o.check && c.kind == o.kind; });
  if (found == site_->checks.end() || o.result == CheckResult::LocalError) return std::nullopt;
  const bool good = o.result == CheckResult::Well;
  if (!good && !fit) return std::nullopt;
  const auto check = static_cast<std::size_t>(found - site_->checks.begin());
  Slot& s = slots_.at(check * circuits_ + o.circuit.index());
  const auto before = s.standing ? std::optional(s.standing->standing) : std::nullopt;
  const bool repeated = before == o.result || std::exchange(s.once, good ? std::nullopt : std::optional(o.result)) == o.result;
  if (before == o.result) s.once.reset();
  if (!good && !repeated) return std::nullopt;
  const DataWay data_before = data_way(o.circuit);
  if (before == o.result)
    s.standing->last = o;
  else
    s.standing = model::CheckStatus{.last = o, .standing = o.result, .since = now};
  if (data_before != DataWay::Well && data_way(o.circuit) == DataWay::Well) well_since_[o.circuit.index()] = now;
  if (o.kind == CheckKind::Hops) compare_hops();
  if (before == o.result) return std::nullopt;
  return Change{.check = check, .before = before, .after = o.result};
}

bool CheckFindings::says(std::size_t check, CircuitId circuit, CheckResult result) const {
  const Slot& s = slot(check, circuit);
  return s.standing && s.standing->standing == result;
}

Elsewhere CheckFindings::elsewhere(std::size_t check, CircuitId circuit, CheckResult bad) const {
  bool same = false;
  for (const CircuitId other : site_->checks[check].circuits) {
    if (other == circuit) continue;
    if (says(check, other, CheckResult::Well)) return Elsewhere::Well;
    same = same || says(check, other, bad);
  }
  return same ? Elsewhere::Same : Elsewhere::NotAsked;
}

std::optional<CheckEvidence> CheckFindings::evidence(CircuitId circuit, CheckKind kind, CheckResult bad) const {
  std::optional<CheckEvidence> found;
  for (std::size_t i = 0; i < site_->checks.size(); ++i) {
    if (site_->checks[i].kind != kind || !says(i, circuit, bad)) continue;
    const Elsewhere other = elsewhere(i, circuit, bad);
    // The check that says most speaks first: one with a witness before one without, and that before one that blames the server.
    const auto weight = [](Elsewhere e) { return e == Elsewhere::Well ? 2 : e == Elsewhere::NotAsked ? 1 : 0; };
    const std::string words = fmt::format("{}: {}", site_->checks[i].name, slot(i, circuit).standing->last.detail);
    if (!found)
      found = CheckEvidence{.elsewhere = other, .words = words};
    else if (weight(other) > weight(found->elsewhere))
      found = CheckEvidence{.elsewhere = other, .words = fmt::format("{}; {}", words, found->words)};
    else
      found->words += "; " + words;
  }
  return found;
}

void CheckFindings::show(CircuitId circuit, CircuitEvidence& e) const {
  e.portal = evidence(circuit, CheckKind::Http, CheckResult::Wrong);
  e.hole = evidence(circuit, CheckKind::Mtu, CheckResult::Hole);
  e.other_address = evidence(circuit, CheckKind::PublicAddress, CheckResult::Wrong);
  for (std::size_t i = 0; i < site_->checks.size(); ++i) {
    const Slot& s = slot(i, circuit);
    if (site_->checks[i].kind != CheckKind::Resolver || !s.standing) continue;
    e.resolver = s.standing->standing == CheckResult::Well;
    e.resolver_words = *e.resolver ? "" : s.standing->last.detail;
    return;  // one check speaks for the resolvers: the first
  }
}

DataWay CheckFindings::data_way(CircuitId circuit) const {
  bool impaired = false;
  std::set<std::string_view> agreeing;  // what is wrong here and right elsewhere, by server
  for (std::size_t i = 0; i < site_->checks.size(); ++i) {
    const model::Check& check = site_->checks[i];
    const bool portal = check.kind == CheckKind::Http && says(i, circuit, CheckResult::Wrong);
    const bool hole = check.kind == CheckKind::Mtu && says(i, circuit, CheckResult::Hole);
    if (!portal && !hole) continue;
    const Elsewhere other = elsewhere(i, circuit, portal ? CheckResult::Wrong : CheckResult::Hole);
    impaired = impaired || other != Elsewhere::Same;
    if (other == Elsewhere::Well) agreeing.insert(portal ? host_of(check.url) : std::string_view(check.name));
  }
  if (!impaired) return DataWay::Well;
  return agreeing.size() >= kAgreeing ? DataWay::Lost : DataWay::Impaired;
}

std::string CheckFindings::data_words(CircuitId circuit) const {
  std::string out;
  for (const auto& found : {evidence(circuit, CheckKind::Http, CheckResult::Wrong), evidence(circuit, CheckKind::Mtu, CheckResult::Hole)})
    if (found && found->elsewhere != Elsewhere::Same) out += (out.empty() ? "" : "; ") + found->words;
  return out;
}

std::vector<model::CheckStatus> CheckFindings::status(CircuitId circuit) const {
  std::vector<model::CheckStatus> all;
  for (std::size_t i = 0; i < site_->checks.size(); ++i)
    if (const auto& standing = slot(i, circuit).standing) all.push_back(*standing);
  return all;
}

void CheckFindings::compare_hops() {
  std::map<model::IpAddress, std::vector<CircuitId>> by_address;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& s = slots_[i];
    if (site_->checks[i / circuits_].kind != CheckKind::Hops || !s.standing) continue;
    const auto& target = site_->checks[i / circuits_].target;
    for (const model::IpAddress& hop : s.standing->last.hops) {
      if (!one_of_its_kind(hop) || hop == target) continue;  // the target itself is shared by intent
      auto& by = by_address[hop];
      const auto circuit = model::id_at<CircuitId>(i % circuits_);
      if (std::ranges::find(by, circuit) == by.end()) by.push_back(circuit);
    }
  }
  shared_.clear();
  for (auto& [address, by] : by_address) {
    std::ranges::sort(by);
    for (std::size_t a = 0; a < by.size(); ++a)
      for (std::size_t b = a + 1; b < by.size(); ++b) shared_.push_back({.a = by[a], .b = by[b], .address = address});
  }
}

}  // namespace linekeeper::decision
