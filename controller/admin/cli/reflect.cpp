// `linekeeper reflect`: from its words to a rule, a socket, and what is said at the begin and at the end.
#include "probes/reflect.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <ostream>

#include "config/values.hpp"
#include "controller/admin/cli/run.hpp"

namespace linekeeper::admin::cli {
namespace {

constexpr double kMostPerSecond = 1'000'000;

/// The flag's value as a rate. @return false: it is none, and that was said
bool rate(const Job& job, std::string_view flag, double& out) {
  if (!job.parsed.has(flag)) return true;
  const std::string text = job.parsed.value(flag);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const bool number = error == std::errc{} && end == text.data() + text.size();
  if (!number || !(value >= 1 && value <= kMostPerSecond)) {
    usage(job, fmt::format("{} {} is not a number from 1 to {:.0f}.", flag, config::quoted(text), kMostPerSecond));
    return false;
  }
  out = value;
  return true;
}

std::optional<probes::ReflectorRule> rule_of(const Job& job) {
  probes::ReflectorRule rule{.stateful = job.parsed.has("--stateful"), .from = {}};
  if (!rate(job, "--rate", rule.packets_per_second) || !rate(job, "--each", rule.each_per_second)) return std::nullopt;
  const auto from = job.parsed.flags.find("--from");
  if (from == job.parsed.flags.end()) return rule;
  for (const std::string& text : from->second) {
    const auto prefix = model::Prefix::parse(text);
    if (!prefix) {
      const auto fault = config::fault_of(config::Form::Prefix, text);
      usage(job, fmt::format("--from: {}: {}.", fault->what, fault->remedy));
      return std::nullopt;
    }
    rule.from.push_back(*prefix);
  }
  return rule;
}

std::string sources(const probes::ReflectorRule& rule) {
  if (rule.from.empty()) return "everybody (say --from to narrow it)";
  std::string out;
  for (const model::Prefix& p : rule.from) out += (out.empty() ? "" : ", ") + p.to_string();
  return out;
}

}  // namespace

int reflect(const Job& job) {
  const auto rule = rule_of(job);
  if (!rule) return kUsage;
  const std::string text = job.parsed.has("--listen") ? job.parsed.value("--listen") : fmt::format("0.0.0.0:{}", probes::kStampPort);
  const auto listen = config::parse_endpoint(text, probes::kStampPort);
  if (!listen) return usage(job, fmt::format("--listen: {}: {}.", listen.error().what, listen.error().remedy));
  auto opened = probes::open_reflector({.address = listen->address, .port = listen->port});
  if (!opened) {
    job.world.err << fmt::format("linekeeper: {}\n  {}\n", opened.error().what, opened.error().remedy);
    return kError;
  }
  probes::StampReflector reflector(*rule, opened->here.port);
  job.world.err << fmt::format("linekeeper: reflecting STAMP ({}) on {} port {} for {}; at most {:.0f} a second, {:.0f} for one source\n",
                               rule->stateful ? "stateful" : "stateless", opened->here.address.to_string(), opened->here.port, sources(*rule),
                               rule->packets_per_second, rule->each_per_second);
  job.world.err.flush();
  const int error = probes::reflect(*opened, reflector, job.world.stopped);
  const probes::ReflectorCounters& n = reflector.counters();
  job.world.err << fmt::format("linekeeper: answered {}; not answered: {} beyond the rates, {} from elsewhere, {} that were no test packets\n",
                               n.answered, n.too_many, n.refused, n.malformed);
  if (error == 0) return kDone;
  job.world.err << fmt::format("linekeeper: the socket failed: {}\n", std::strerror(error));
  return kError;
}

}  // namespace linekeeper::admin::cli
