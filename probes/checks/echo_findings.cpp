#include "probes/checks/echo_findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace linekeeper::probes {

using model::CheckOutcome;
using model::CheckResult;

namespace {

/// Echoes of one kind among a series.
struct Tally {
  int sent = 0, answered = 0;
  std::optional<model::Duration> shortest;
  const EchoError* ours = nullptr;  ///< our own stack could not send one
  const EchoError* said = nullptr;  ///< the network said no to one
  void add(const EchoFate& f) {
    ++sent;
    if (f.round_trip) {
      ++answered;
      shortest = std::min(shortest.value_or(*f.round_trip), *f.round_trip);
    }
    if (f.error) (f.error->from_network ? said : ours) = &*f.error;
  }
};

/// Not one of these was answered: whose word is there for it?
void read_unanswered(const Tally& t, std::string_view what, CheckOutcome& out) {
  if (t.ours != nullptr) {
    out.result = CheckResult::LocalError;
    out.code = t.ours->error;
    out.detail = fmt::format("we could not send: {}", std::strerror(t.ours->error));
  } else if (t.said != nullptr) {
    out.result = CheckResult::Refused;
    out.code = t.said->error;
    out.detail = fmt::format("{} answers for it: {}", t.said->from.to_string(), std::strerror(t.said->error));
  } else {
    out.result = CheckResult::Silent;
    out.detail = fmt::format("{} of {} {} answered", t.answered, t.sent, what);
  }
}

}  // namespace

std::string milliseconds(model::Duration d) {
  const double ms = model::seconds(d) * 1000;
  return ms < 1 ? fmt::format("{:.2f} ms", ms) : fmt::format("{:.1f} ms", ms);
}

std::vector<EchoWanted> mtu_series(int size) {
  std::vector<EchoWanted> all;
  for (int i = 0; i < kEchoTries; ++i) {
    all.push_back({.size = kSmallEcho});
    all.push_back({.size = static_cast<std::size_t>(size)});
  }
  return all;
}

int SizeSearch::steps_left() const {
  return silent_ - answered_ > 1 ? static_cast<int>(std::bit_width(static_cast<unsigned>(silent_ - answered_ - 1))) : 0;
}

std::optional<model::Duration> search_step(const SizeSearch& search, std::span<const EchoFate> fates, model::Duration left) {
  model::Duration longest{};
  for (const EchoFate& f : fates) longest = std::max(longest, f.round_trip.value_or(model::Duration::zero()));
  if (search.steps_left() == 0) return std::nullopt;
  // The second echo leaves an eighth of the step after the first, and large ones take a little longer than small ones.
  const model::Duration step = left / search.steps_left();
  return step >= 2 * longest ? std::optional(step) : std::nullopt;
}

std::vector<EchoWanted> hops_series(int depth) {
  std::vector<EchoWanted> all;
  for (int again = 0; again < 2; ++again)
    for (int hop = 1; hop <= depth; ++hop) all.push_back({.size = kSmallEcho, .hop_limit = hop});
  return all;
}

void read_mtu(std::span<const EchoFate> fates, int size, CheckOutcome& out) {
  Tally small, large;
  const EchoError* too_big = nullptr;
  for (const EchoFate& f : fates) {
    (f.wanted.size == static_cast<std::size_t>(size) ? large : small).add(f);
    if (f.error && f.error->too_big && f.wanted.size == static_cast<std::size_t>(size)) too_big = &*f.error;
  }
  if (large.answered > 0) {
    out.result = CheckResult::Well;
    out.took = large.shortest;
    out.code = size;
    out.detail = fmt::format("{} bytes answered in {}", size, milliseconds(*large.shortest));
  } else if (too_big != nullptr) {
    out.result = CheckResult::TooBig;
    out.code = static_cast<int>(std::min<std::uint32_t>(too_big->mtu, 65535));
    const std::string fits = too_big->mtu > 0 ? fmt::format("{} fit", too_big->mtu) : "how many would fit is not said";
    out.detail = too_big->from_network ? fmt::format("{} bytes do not pass, {} says: {}", size, too_big->from.to_string(), fits)
                                       : fmt::format("{} bytes are too many for our own interface: {}", size, fits);
  } else if (small.answered >= 2 && large.said == nullptr && large.ours == nullptr) {
    out.result = CheckResult::Hole;
    out.detail = fmt::format("{} bytes answered {} of {} times, {} bytes never, and nobody says why", kSmallEcho, small.answered, small.sent, size);
  } else {
    // Too little to tell a hole from a bad line.
    read_unanswered(large, fmt::format("echoes of {} bytes", size), out);
    if (out.result == CheckResult::Silent)
      out.detail += fmt::format(", {} of {} of {} bytes: too few to tell", small.answered, small.sent, kSmallEcho);
  }
}

void read_largest(int size, CheckOutcome& out) {
  out.code = size;
  out.detail += fmt::format("; {} bytes are the most that pass", size);
}

void read_hops(std::span<const EchoFate> fates, const model::IpAddress& target, CheckOutcome& out) {
  Tally all;
  for (const EchoFate& f : fates) {
    all.add(f);
    if (f.wanted.hop_limit < 1 || static_cast<std::size_t>(f.wanted.hop_limit) > model::kMostHops) continue;
    const auto at = static_cast<std::size_t>(f.wanted.hop_limit) - 1;
    const bool told = f.error && f.error->from_network && f.error->expired;
    if (!told && !f.round_trip) continue;
    if (out.hops.size() <= at) out.hops.resize(at + 1);
    if (out.hops[at] == model::IpAddress{}) out.hops[at] = f.round_trip ? target : f.error->from;
  }
  // Behind the target there is nothing: each larger hop limit is answered by it too.
  if (const auto end = std::ranges::find(out.hops, target); end != out.hops.end()) out.hops.erase(end + 1, out.hops.end());
  if (out.hops.empty()) return read_unanswered(all, "echoes", out);
  out.result = CheckResult::Well;
  std::string list;
  for (const model::IpAddress& hop : out.hops) {
    const std::string word = hop == model::IpAddress{} ? "silent" : hop.to_string();
    if (out.detail.size() + list.size() + word.size() + 10 > model::kLongestCheckDetail) break;
    list += (list.empty() ? "" : ", ") + word;
  }
  out.detail = "by " + list;
}

void read_echoes(std::span<const EchoFate> fates, CheckOutcome& out) {
  Tally all;
  for (const EchoFate& f : fates) all.add(f);
  if (all.answered == 0) return read_unanswered(all, "echoes", out);
  out.result = CheckResult::Well;
  out.took = all.shortest;
  out.detail = fmt::format("{} of {} echoes answered, the quickest in {}", all.answered, all.sent, milliseconds(*all.shortest));
}

}  // namespace linekeeper::probes
