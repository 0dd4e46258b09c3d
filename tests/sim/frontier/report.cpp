#include "tests/sim/frontier/report.hpp"

#include <fmt/format.h>

#include <iterator>

namespace linekeeper::sim::frontier {

namespace {

using Out = std::back_insert_iterator<std::string>;

std::string of_seconds(const std::optional<double>& s) {
  if (!s) return "-";
  return *s < 9.995 ? fmt::format("{:.2f}", *s) : *s < 99.95 ? fmt::format("{:.1f}", *s) : fmt::format("{:.0f}", *s);
}

std::string grouped(double n) {
  std::string digits = fmt::format("{:.0f}", n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string of_rate(const Rate& r) {
  if (r.events == 0) return fmt::format("0 (<{})", r.high() < 10 ? fmt::format("{:.2g}", r.high()) : grouped(r.high()));
  const double n = r.per_year();
  return n < 10 ? fmt::format("{:.2g}", n) : grouped(n);
}

std::string with_interval(const Rate& r) {
  if (r.events == 0) return fmt::format("0 (0-{:.2g})", r.high());
  return r.per_year() < 10 ? fmt::format("{:.2g} ({:.2g}-{:.2g})", r.per_year(), r.low(), r.high())
                           : fmt::format("{} ({}-{})", grouped(r.per_year()), grouped(r.low()), grouped(r.high()));
}

void head(Out out, const std::vector<std::string>& columns) {
  fmt::format_to(out, "|");
  for (const std::string& c : columns) fmt::format_to(out, " {} |", c);
  fmt::format_to(out, "\n|");
  for (std::size_t i = 0; i < columns.size(); ++i) fmt::format_to(out, "---|");
  fmt::format_to(out, "\n");
}

void shipped_table(Out out, const Study& study, const std::vector<std::size_t>& places, const std::vector<std::size_t>& against) {
  std::vector<std::string> columns = {"rule", "packets/s"};
  for (const std::size_t b : places) columns.push_back(fmt::format("false a year: {}", backgrounds()[b].name));
  for (const std::size_t f : against) columns.push_back(std::string(faults()[f].name));
  head(out, columns);
  const OursResult& clean = study.ours[kClean][0];
  fmt::format_to(out, "| **Linekeeper**, budget {:.0f} a year | {:.1f} |", clean.budget, clean.probes_per_second);
  for (const std::size_t b : places) fmt::format_to(out, " {} |", of_rate(study.ours[b][0].alarms()));
  for (const std::size_t f : against) fmt::format_to(out, " {} |", words_of(clean.found[f]));
  fmt::format_to(out, "\n");
  for (std::size_t p = 0; p < peers().size(); ++p) {
    const Peer& peer = peers()[p];
    if (peer.shipped == 0) continue;
    fmt::format_to(out, "| {}, {} {} | {:.3g} |", peer.name, peer.threshold, peer.shipped, peer.packets_per_second);
    for (const std::size_t b : places) fmt::format_to(out, " {} |", of_rate(study.peers[b][p].rate(peer.shipped)));
    for (const std::size_t f : against) fmt::format_to(out, " {} |", words_of(study.peers[kClean][p].at(f, peer.shipped)));
    fmt::format_to(out, "\n");
  }
}

void equal_row(Out out, const Peer& peer, const PeerResult& r, double rate) {
  const int threshold = r.alarms.threshold(rate, r.years);
  fmt::format_to(out, "| {} |", peer.name);
  if (threshold > r.enough) {
    fmt::format_to(out, " none is rare enough | |");
    for (std::size_t f = 0; f < faults().size(); ++f) fmt::format_to(out, " |");
  } else {
    fmt::format_to(out, " {} {} | {} |", peer.threshold, threshold, of_rate(r.rate(threshold)));
    for (std::size_t f = 0; f < faults().size(); ++f) fmt::format_to(out, " {} |", words_of(r.at(f, threshold)));
  }
  fmt::format_to(out, "\n");
}

void equal_table(Out out, const Study& study, std::size_t b, std::size_t budget) {
  const double rate = kBudgets[budget];
  fmt::format_to(out, "\n**{}** ({}; others simulated for {:.3g} years, ours for {:.2g})\n\n", backgrounds()[b].name, backgrounds()[b].says,
                 study.peers[b].front().years, study.ours[b][budget].down.years);
  std::vector<std::string> columns = {"rule", "threshold", "false a year"};
  for (const Fault& f : faults()) columns.emplace_back(f.name);
  head(out, columns);
  const OursResult& ours = study.ours[b][budget];
  fmt::format_to(out, "| **Linekeeper** | silence {:.2f} s, learned | {} |", model::seconds(ours.usual_dead_after()), of_rate(ours.alarms()));
  for (const Found& f : ours.found) fmt::format_to(out, " {} |", words_of(f));
  fmt::format_to(out, "\n");
  for (std::size_t p = 0; p < peers().size(); ++p) equal_row(out, peers()[p], study.peers[b][p], rate);
}

void one_setting_table(Out out, const Study& study, double rate) {
  std::vector<std::string> columns = {"rule", "threshold"};
  for (const Fault& f : faults()) columns.emplace_back(f.name);
  head(out, columns);
  fmt::format_to(out, "| **Linekeeper** | learned by each circuit |");
  for (const Found& f : study.ours[kClean][0].found) fmt::format_to(out, " {} |", words_of(f));
  fmt::format_to(out, "\n");
  for (std::size_t p = 0; p < peers().size(); ++p) {
    const int threshold = threshold_for_all(study, p, rate);
    const PeerResult& clean = study.peers[kClean][p];
    fmt::format_to(out, "| {} | {} |", peers()[p].name,
                   threshold > clean.enough ? "none is rare enough" : fmt::format("{} {}", peers()[p].threshold, threshold));
    for (std::size_t f = 0; f < faults().size(); ++f) fmt::format_to(out, " {} |", threshold > clean.enough ? "" : words_of(clean.at(f, threshold)));
    fmt::format_to(out, "\n");
  }
}

void ours_table(Out out, const Study& study) {
  head(out, {"background", "budget a year", "circuit-years", "false downs a year", "false brownouts a year", "suspicions a day",
             "silence that means death, learned: median (range)", "probes/s", "black hole: new calls steered", "black hole: everything moved"});
  for (std::size_t b = 0; b < backgrounds().size(); ++b) {
    for (const OursResult& r : study.ours[b]) {
      fmt::format_to(out, "| {} | {:.0f} | {:.2g} | {} | {} | {:.2g} | {:.2f} s ({:.2f}-{:.2f}) | {:.2f} | {} | {} |\n", backgrounds()[b].name,
                     r.budget, r.down.years, with_interval(r.down), with_interval(r.degraded), r.suspect.per_year() / 365,
                     model::seconds(r.usual_dead_after()), model::seconds(r.dead_after.front()), model::seconds(r.dead_after.back()),
                     r.probes_per_second, words_of(r.suspected), words_of(r.found[kBlackHole]));
    }
  }
}

}  // namespace

std::string words_of(const Found& found) {
  if (!found.p50 && !found.p99) return "-";
  return of_seconds(found.p50) + "/" + of_seconds(found.p99);
}

std::string full_tables(const Study& study) {
  std::string text;
  const Out out(text);
  fmt::format_to(out,
                 "Seed {}, scale {:g}; {} trials of each fault for the others, {} for ours. Times are median/p99 in seconds; \"-\": not found within "
                 "{:.0f} min.\n",
                 study.plan.seed, study.plan.scale, study.plan.of_peers(0).trials, study.plan.of_ours(0).trials, model::seconds(kGiveUp) / 60);
  fmt::format_to(out, "\n### Ours\n\n");
  ours_table(out, study);
  fmt::format_to(out, "\n### As shipped: what it costs, and what it is worth on the clean circuit\n\n");
  shipped_table(out, study, {0, 1, 2, 3, 4, 5}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  fmt::format_to(out, "\n### One setting for every circuit: at most {:.0f} false alarms a year on each background, then met on the clean circuit\n\n",
                 kBudgets[0]);
  one_setting_table(out, study, kBudgets[0]);
  for (const std::size_t budget : {std::size_t{0}, std::size_t{1}}) {
    fmt::format_to(out, "\n### At equal rates: no more than {:.0f} false alarms a year\n", kBudgets[budget]);
    for (std::size_t b = 0; b < backgrounds().size(); ++b) equal_table(out, study, b, budget);
  }
  return text;
}

std::string short_table(const Study& study) {
  std::string text;
  shipped_table(Out(text), study, {kClean, kLossy, kBursty, kFiber}, {kBlackHole, kLoss20, kDelay200});
  return text;
}

std::optional<std::string> between_markers(const std::string& text, const std::string& replacement) {
  static const std::string kFirst = "<!-- frontier:begin -->\n", kLast = "<!-- frontier:end -->";
  const std::size_t first = text.find(kFirst), last = text.find(kLast);
  if (first == std::string::npos || last == std::string::npos || last < first) return std::nullopt;
  if (text.find(kFirst, first + 1) != std::string::npos || text.find(kLast, last + 1) != std::string::npos) return std::nullopt;
  return text.substr(0, first + kFirst.size()) + replacement + text.substr(last);
}

}  // namespace linekeeper::sim::frontier
