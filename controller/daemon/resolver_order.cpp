#include "controller/daemon/resolver_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace linekeeper::daemon {
namespace {

using model::IpAddress;

constexpr std::string_view kHead = "# Written by linekeeperd, and again at each move: edit [resolvers] in its configuration instead.\n";
constexpr std::string_view kCircuit = "# circuit ", kServer = "nameserver ";

void add(std::vector<IpAddress>& all, std::span<const IpAddress> more) {
  for (const IpAddress& a : more)
    if (std::ranges::find(all, a) == all.end()) all.push_back(a);
}

const std::vector<model::CircuitId>& circuits_of(const model::Site& site) { return site[*followed_class(site)].circuits; }

}  // namespace

std::optional<model::ClassId> followed_class(const model::Site& site) {
  if (site.resolvers.file.empty()) return std::nullopt;
  for (const model::Family family : {model::Family::V4, model::Family::V6})
    for (std::size_t i = 0; i < site.classes.size(); ++i)
      if (site.classes[i].family == family && site.classes[i].match.everything()) return model::id_at<model::ClassId>(i);
  return std::nullopt;
}

std::vector<IpAddress> candidates(const model::Site& site, std::optional<model::CircuitId> circuit) {
  std::vector<IpAddress> all;
  if (circuit)
    add(all, site[*circuit].resolvers);
  else
    for (const model::CircuitId c : circuits_of(site)) add(all, std::span(site[c].resolvers).first(site[c].resolvers.empty() ? 0 : 1));
  add(all, site.resolvers.fallback);
  const auto& circuits = circuits_of(site);
  for (const model::CircuitId c : circuits) add(all, site[c].resolvers);
  for (const model::Circuit& six : site.circuits)
    if (six.twin && std::ranges::find(circuits, *six.twin) != circuits.end()) add(all, six.resolvers);
  return all;
}

std::span<const IpAddress> preferred(const model::Site& site, std::optional<model::CircuitId> circuit) {
  if (circuit && !site[*circuit].resolvers.empty()) return site[*circuit].resolvers;
  return site.resolvers.fallback;
}

void ResolverAnswers::heard(const IpAddress& resolver, bool answered) {
  int& misses = misses_[resolver];
  misses = answered ? 0 : std::min(misses + 1, kSilentAfter);
}

bool ResolverAnswers::silent(const IpAddress& resolver) const {
  const auto found = misses_.find(resolver);
  return found != misses_.end() && found->second >= kSilentAfter;
}

bool ResolverAnswers::answers(const IpAddress& resolver) const {
  const auto found = misses_.find(resolver);
  return found != misses_.end() && found->second == 0;
}

std::vector<IpAddress> in_order(const model::Site& site, std::optional<model::CircuitId> circuit, const ResolverAnswers& answers) {
  std::vector<IpAddress> own;
  if (circuit) add(own, site[*circuit].resolvers);
  add(own, site.resolvers.fallback);
  const auto all = candidates(site, circuit);
  // Another circuit's resolver is no way to look anything up until it has been seen to answer by this one.
  const auto rank = [&](const IpAddress& a) {
    if (answers.silent(a)) return 2;
    const bool trusted = !circuit || std::ranges::find(own, a) != own.end();
    return trusted || answers.answers(a) ? 0 : 1;
  };
  std::vector<IpAddress> servers;
  for (const int wanted : {0, 1, 2})
    for (const IpAddress& a : all)
      if (rank(a) == wanted && servers.size() < kMostServers) servers.push_back(a);
  return servers;
}

std::string file_text(const model::Site& site, std::optional<model::CircuitId> circuit, std::span<const IpAddress> servers) {
  std::string text(kHead);
  text += fmt::format("{}{}\n", kCircuit, circuit ? site[*circuit].name : "-");
  for (const IpAddress& a : servers) text += fmt::format("{}{}\n", kServer, a.to_string());
  if (!site.resolvers.search.empty()) text += fmt::format("search {}\n", fmt::join(site.resolvers.search, " "));
  return text + "options timeout:2\n";
}

std::optional<FileSays> read_text(std::string_view text) {
  if (!text.starts_with(kHead)) return std::nullopt;
  FileSays says;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kCircuit)) says.circuit = line.substr(kCircuit.size());
    if (!line.starts_with(kServer)) continue;
    if (const auto address = IpAddress::parse(std::string_view(line).substr(kServer.size()))) says.servers.push_back(*address);
  }
  return says.servers.empty() ? std::nullopt : std::optional(std::move(says));
}

}  // namespace linekeeper::daemon
