#include "tests/sim/scenario_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace linekeeper::sim {

using model::Duration;

namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr Unit kUnits[] = {{"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1000}, {"ns", 1}};

/// A number of at most nine decimals as a whole number of its 10^-digits, exactly.
std::optional<std::int64_t> scaled(std::string_view text, int digits) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  std::string all(text.substr(0, point));
  std::string decimals(point == std::string_view::npos ? std::string_view() : text.substr(point + 1));
  if (all.empty() || decimals.size() > static_cast<std::size_t>(digits) || (point != std::string_view::npos && decimals.empty())) return std::nullopt;
  decimals.resize(static_cast<std::size_t>(digits), '0');
  const auto n = whole_of(all + decimals);
  if (!n || *n < 0) return std::nullopt;
  return negative ? -*n : *n;
}

std::string trimmed(std::int64_t n, std::int64_t one, int digits) {
  std::string s = fmt::format("{}.{:0{}}", n / one, n % one, digits);
  while (s.ends_with('0')) s.pop_back();
  if (s.ends_with('.')) s.pop_back();
  return s;
}

}  // namespace

std::optional<std::int64_t> whole_of(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::optional<double> real_of(std::string_view text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(x)) return std::nullopt;
  return x;
}

std::string time_text(Duration d) {
  if (d == Duration::zero()) return "0s";
  for (const Unit& u : kUnits)
    if (d.count() % u.nanoseconds == 0 && u.name != "h") return fmt::format("{}{}", d.count() / u.nanoseconds, u.name);
  return {};
}

std::optional<Duration> time_of(std::string_view text) {
  std::int64_t total = 0;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string_view number = text.substr(0, digits);
    text.remove_prefix(digits);
    const std::string_view name = text.substr(0, std::min(text.find_first_of("0123456789."), text.size()));
    text.remove_prefix(name.size());
    const auto n = scaled(number, 9);  // of 10^-9 units
    const auto* const unit = std::ranges::find(kUnits, name, &Unit::name);
    if (!n || unit == std::end(kUnits)) return std::nullopt;
    constexpr std::int64_t kWhole = 1'000'000'000;
    if (*n % kWhole != 0 && unit->nanoseconds == 1) return std::nullopt;
    total += *n / kWhole * unit->nanoseconds + *n % kWhole * (unit->nanoseconds / 1000) / (kWhole / 1000);
  }
  return Duration(negative ? -total : total);
}

std::string share_text(Measure millionths) { return trimmed(millionths, 10'000, 4) + "%"; }

std::optional<Measure> share_of(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const auto n = scaled(text, 4);
  if (!n || *n < 0 || *n > 1'000'000) return std::nullopt;
  return n;
}

std::string measure_text(Amount kind, Measure m) {
  switch (kind) {
    case Amount::None: return {};
    case Amount::Ratio: return share_text(m);
    case Amount::Time: return time_text(Duration(m));
    case Amount::Rate: return trimmed(m, 1000, 3) + "/s";
    case Amount::Count: return std::to_string(m);
  }
  return {};
}

std::optional<Measure> measure_of(Amount kind, std::string_view text) {
  switch (kind) {
    case Amount::None: return std::nullopt;
    case Amount::Ratio: return share_of(text);
    case Amount::Time:
      if (const auto d = time_of(text)) return d->count();
      return std::nullopt;
    case Amount::Rate:
      if (!text.ends_with("/s")) return std::nullopt;
      text.remove_suffix(2);
      if (const auto n = scaled(text, 3); n && *n > 0) return n;
      return std::nullopt;
    case Amount::Count:
      if (const auto n = whole_of(text); n && *n >= 0) return n;
      return std::nullopt;
  }
  return std::nullopt;
}

std::string_view example_of(Amount kind) {
  switch (kind) {
    case Amount::None: return "nothing";
    case Amount::Ratio: return "a share from 0% to 100%, as 20%";
    case Amount::Time: return "a time, as 300ms";
    case Amount::Rate: return "a rate, as 2/s";
    case Amount::Count: return "a number, as 60";
  }
  return {};
}

std::string trouble_words(const Trouble& t, const model::Site& site) {
  const FaultKind& kind = kind_of(t.fault);
  const std::string amount = kind.amount == Amount::None ? std::string() : " " + measure_text(kind.amount, t.amount);
  const auto named = [&](const std::string& name) { return fmt::format("{} {} {}{}", kind.subject, name, kind.word, amount); };
  switch (kind.aim) {
    case Aim::Circuit: return t.everywhere ? fmt::format("every circuit {}{}", kind.word, amount) : named(site.circuits[t.a].name);
    case Aim::Target: return named(site.targets[t.a].name) + (t.everywhere ? "" : " on " + site.circuits[t.b].name);
    case Aim::Carrier: return named(site.carriers[t.a].name) + (t.everywhere ? "" : " via " + site.circuits[t.b].name);
    case Aim::Class: return named(site.classes[t.a].name) + " to " + site.circuits[t.b].name;
    case Aim::Traffic: return named(site.classes[t.a].name);
    case Aim::Trunk: return named(site.trunks[t.a].name) + " to " + site.carriers[t.b].name;
    case Aim::Load: return named(site.trunks[t.a].name);
    case Aim::Pbx: return named(site.pbxs[t.a].name);
    case Aim::Nobody: return fmt::format("{} {}{}{}", kind.subject, kind.word, amount, t.a == 0 ? "" : fmt::format(" way {}", t.a));
  }
  return {};
}

}  // namespace linekeeper::sim
