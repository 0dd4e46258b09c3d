// `linekeeper probe run`: asks once, now, by one circuit, and says what happened. Reads the configuration and opens the sockets itself: the
// daemon need not run, and is not told.
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <ostream>

#include "config/loader.hpp"
#include "config/values.hpp"
#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/run.hpp"
#include "probes/checks/check_run.hpp"
#include "probes/checks/http_get.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

using model::CheckKind;
using model::CheckOutcome;
using model::CheckResult;

constexpr const char* kConfiguration = "/etc/linekeeper/linekeeper.toml";
constexpr std::string_view kEcho = "echo";
constexpr int kSmallestPacket = 576, kLargestPacket = 9000;

/// One thing to ask.
struct Question {
  model::Check check;
  bool echo = false;  ///< only echoes to check.target
};

struct Asked {
  model::Site site;
  model::CircuitId circuit;
  std::string kind;
  std::vector<Question> questions;
};

std::optional<model::IpAddress> address_of(const model::Site& site, const std::string& text) {
  const auto named = std::ranges::find(site.targets, text, &model::Target::name);
  return named != site.targets.end() ? named->address : model::IpAddress::parse(text);
}

/// Puts what was named on the command line where the check of that kind looks for it. @return what would have been right; empty: done
std::string aim(const model::Site& site, const std::string& target, model::Check& check) {
  switch (check.kind) {
    case CheckKind::Resolver:
      if (config::fault_of(config::Form::Host, target)) return "a name to ask for, like example.net";
      check.query = target;
      return {};
    case CheckKind::Http:
      if (!probes::parse_page(target)) return "an http or https URL";
      check.url = target;
      return {};
    case CheckKind::PublicAddress:
      if (probes::parse_page(target)) {
        check.url = target;
        return {};
      }
      if (const auto server = config::parse_endpoint(target, check.port)) {
        check.server = server->address;
        check.port = server->port;
        return {};
      }
      return "a STUN server (address and port) or a URL that tells our address";
    case CheckKind::Mtu:
    case CheckKind::Hops: break;
  }
  check.target = address_of(site, target);
  return check.target ? "" : "a numeric address or the name of a target";
}

/// The numeric address that a question goes to; nothing: a name, which is looked up as one of the circuit's family.
std::optional<model::IpAddress> goes_to(const model::Check& check) {
  if (check.target) return check.target;
  if (check.server) return check.server;
  if (check.pinned) return check.pinned;
  const auto page = check.url.empty() ? std::nullopt : probes::parse_page(check.url);
  return page ? model::IpAddress::parse(page->host) : std::nullopt;
}

/// A circuit of two families is meant by its one name: what was asked for tells which part of it. @return an exit code when it has none
std::optional<int> choose_part(const Job& job, Asked& asked) {
  const auto& circuits = asked.site.circuits;
  for (const Question& q : asked.questions) {
    const auto address = goes_to(q.check);
    if (!address || address->family == asked.site[asked.circuit].family) continue;
    const auto part = std::ranges::find_if(
        circuits, [&](const model::Circuit& c) { return c.interface == asked.site[asked.circuit].interface && c.family == address->family; });
    if (part == circuits.end())
      return usage(job, fmt::format("{} is of IPv{}, which circuit {} does not carry.", address->to_string(),
                                    address->family == model::Family::V4 ? 4 : 6, asked.site[asked.circuit].name));
    asked.circuit = model::id_at<model::CircuitId>(static_cast<std::size_t>(part - circuits.begin()));
  }
  return std::nullopt;
}

/// @return an exit code when something is wrong with what was asked
std::optional<int> choose_questions(const Job& job, Asked& asked) {
  const std::string target = job.parsed.operands.size() > 1 ? job.parsed.operands[1] : "";
  const auto kind = model::check_kind_named(asked.kind);
  if (!kind && asked.kind != kEcho)
    return usage(job, fmt::format("there is no kind '{}': echo, resolver, http, mtu, public-address or hops.", clean(asked.kind)));
  if (!kind) {
    std::vector<std::pair<std::string, model::IpAddress>> hosts;
    if (target.empty())
      for (const model::TargetId t : asked.site[asked.circuit].targets) hosts.emplace_back(asked.site[t].name, asked.site[t].address);
    else if (const auto address = address_of(asked.site, target))
      hosts.emplace_back(target, *address);
    else
      return usage(job, fmt::format("'{}' is no numeric address, and no target is called so.", clean(target)));
    for (const auto& [name, address] : hosts) {
      Question& q = asked.questions.emplace_back(Question{.check = {.name = name}, .echo = true});
      q.check.target = address;
    }
    return std::nullopt;
  }
  if (!target.empty()) {
    Question& q = asked.questions.emplace_back();
    q.check.name = target;
    q.check.kind = *kind;
    if (const std::string right = aim(asked.site, target, q.check); !right.empty())
      return usage(job, fmt::format("'{}' will not do for {}: it takes {}.", clean(target), asked.kind, right));
    return std::nullopt;
  }
  for (const model::Check& c : asked.site.checks)
    if (c.kind == *kind && std::ranges::find(c.circuits, asked.circuit) != c.circuits.end()) asked.questions.push_back({.check = c});
  if (asked.questions.empty())
    return usage(
        job, fmt::format("no check of kind {} is configured for circuit {}: name what it is to ask.", asked.kind, asked.site[asked.circuit].name));
  return std::nullopt;
}

std::optional<int> understand(const Job& job, Asked& asked) {
  const std::string file = job.parsed.has("--config") ? job.parsed.value("--config") : kConfiguration;
  config::Loaded loaded = config::load(file);
  if (!loaded.site) return mistakes(job, loaded, file);
  asked.site = std::move(*loaded.site);
  asked.kind = job.parsed.operand();
  const std::string name = job.parsed.value("--circuit");
  const auto circuit = std::ranges::find(asked.site.circuits, name, &model::Circuit::name);
  if (circuit == asked.site.circuits.end()) {
    std::string known;
    for (const model::Circuit& c : asked.site.circuits) known += (known.empty() ? "" : ", ") + c.name;
    return usage(job, fmt::format("there is no circuit '{}': {}.", clean(name), known));
  }
  asked.circuit = model::id_at<model::CircuitId>(static_cast<std::size_t>(circuit - asked.site.circuits.begin()));
  if (const auto wrong = choose_questions(job, asked)) return wrong;
  if (const auto wrong = choose_part(job, asked)) return wrong;
  if (!job.parsed.has("--size")) return std::nullopt;
  int size = 0;
  const std::string given = job.parsed.value("--size");
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), size);
  const bool number = error == std::errc{} && end == given.data() + given.size();
  if (!number || size < kSmallestPacket || size > kLargestPacket)
    return usage(job, fmt::format("--size {} is not a number of bytes from {} to {}.", clean(given), kSmallestPacket, kLargestPacket));
  if (asked.kind != to_string(CheckKind::Mtu)) return usage(job, "--size is for mtu only.");
  for (Question& q : asked.questions) q.check.size = size;
  return std::nullopt;
}

/// All at once, each within its own time.
std::vector<CheckOutcome> ask(const Asked& asked) {
  boost::asio::io_context io;
  std::vector<CheckOutcome> outcomes(asked.questions.size());
  std::vector<std::unique_ptr<probes::CheckRun>> runs;
  const probes::CheckWay way = probes::way_of(asked.site, asked.circuit);
  for (std::size_t i = 0; i < asked.questions.size(); ++i) {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = i;  // guessable tags: no harm in a probe by hand
    const Question& q = asked.questions[i];
    const auto done = [&outcomes, i](const CheckOutcome& o) { outcomes[i] = o; };
    runs.push_back(q.echo ? probes::start_echoes(io.get_executor(), *q.check.target, way, std::chrono::seconds(3), seed, done)
                          : probes::start_check(io.get_executor(), q.check, way, seed, done));
  }
  io.run();
  return outcomes;
}

json::object outcome_json(const Asked& asked, std::size_t i, const CheckOutcome& o) {
  json::array hops;
  for (const model::IpAddress& hop : o.hops) hops.push_back(hop == model::IpAddress{} ? json::value(nullptr) : json::value(hop.to_string()));
  const auto ms = [](const auto& d) { return d ? json::value(model::seconds(*d) * 1000) : json::value(nullptr); };
  return {{"check", asked.questions[i].check.name},
          {"kind", asked.kind},
          {"circuit", asked.site[asked.circuit].name},
          {"result", to_string(o.result)},
          {"took_ms", ms(o.took)},
          {"code", o.code},
          {"certificate_left_s", o.certificate_left ? json::value(model::seconds(*o.certificate_left)) : json::value(nullptr)},
          {"address", o.address ? json::value(o.address->to_string()) : json::value(nullptr)},
          {"hops", std::move(hops)},
          {"detail", o.detail}};
}

}  // namespace

int probe_run(const Job& job) {
  Asked asked;
  if (const auto wrong = understand(job, asked)) return *wrong;
  const auto outcomes = ask(asked);
  const bool all_well = std::ranges::all_of(outcomes, [](const CheckOutcome& o) { return o.result == CheckResult::Well; });
  if (job.parsed.has("--json")) {
    json::array all;
    for (std::size_t i = 0; i < outcomes.size(); ++i) all.push_back(outcome_json(asked, i, outcomes[i]));
    job.world.out << json::serialize(json::object{{"schema", 1}, {"results", std::move(all)}}) << "\n";
    return all_well ? kDone : kError;
  }
  Table table({Table::Align::Left, Table::Align::Left, Table::Align::Left});
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const CheckOutcome& o = outcomes[i];
    Cell state = o.result == CheckResult::Well ? Cell{"ok", Tone::Good} : Cell{std::string(to_string(o.result)), Tone::Bad};
    std::ranges::transform(state.text, state.text.begin(),
                           [&](char c) { return o.result != CheckResult::Well && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    table.row({state, {fmt::format("{} by {}", clean(asked.questions[i].check.name), asked.site[asked.circuit].name)}, {clean(o.detail)}});
  }
  job.world.out << table.print(job.world.colour(job.world.out_is_terminal));
  return all_well ? kDone : kError;
}

}  // namespace linekeeper::admin::cli
