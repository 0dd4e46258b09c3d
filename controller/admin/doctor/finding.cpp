#include "controller/admin/doctor/finding.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/admin/doctor/judging.hpp"

namespace linekeeper::admin::doctor {

std::string_view to_string(Grade g) {
  switch (g) {
    case Grade::Ok: return "ok";
    case Grade::Unknown: return "unknown";
    case Grade::Warning: return "warning";
    case Grade::Problem: return "problem";
  }
  return "";
}

std::vector<Finding> judge(const model::Site& site, const Facts& facts) {
  Findings out;
  judge_kernel(site, facts, out);
  judge_settings(site, facts, out);
  judge_routes(site, facts, out);
  judge_programs(site, facts, out);
  judge_host(site, facts, out);
  return out;
}

Grade worst(const std::vector<Finding>& findings) {
  Grade g = Grade::Ok;
  for (const Finding& f : findings) g = std::max(g, f.grade);
  return g;
}

std::string sysctl_name(std::string_view path) {
  std::string name(path);
  // sysctl(8): the first separator says which of the two is one; the other is then a letter like any.
  if (name.find('.') == std::string::npos) std::ranges::replace(name, '/', '.');
  return name;
}

std::string set_sysctl(std::string_view path, std::string_view value) {
  const std::string name = sysctl_name(path);
  return fmt::format("sysctl -w '{0}={1}'; to keep it: '{0} = {1}' in /etc/sysctl.d/90-linekeeper.conf", name, value);
}

Fact<long> setting(const Facts& facts, const std::string& path) {
  const auto text = fact_of(facts.settings, path);
  if (!text) return std::unexpected(text.error());
  long value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{}) return kNotRead;
  return value;
}

std::string in_conf(std::string_view family, std::string_view interface, std::string_view name) {
  return fmt::format("net/{}/conf/{}/{}", family, interface, name);
}

Fact<long> larger(const Facts& facts, std::string_view interface, std::string_view name) {
  const auto all = setting(facts, in_conf("ipv4", "all", name));
  const auto own = setting(facts, in_conf("ipv4", interface, name));
  if (!all) return all;
  if (!own) return own;
  return std::max(*all, *own);
}

std::string directory_of(const std::string& path) { return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)); }

}  // namespace linekeeper::admin::doctor
