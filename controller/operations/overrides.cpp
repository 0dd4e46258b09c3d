#include "controller/operations/overrides.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace linekeeper::operations {
namespace {

template <class List>
bool has(const List& list, std::string_view name) {
  return std::ranges::any_of(list, [&](const auto& item) { return item.name == name; });
}

template <class List>
std::string names(const List& list) {
  std::vector<std::string> all;
  for (const auto& item : list) all.push_back(item.name);
  return fmt::format("{}", fmt::join(all, ", "));
}

std::optional<model::Error> mistaken_names(const model::Site& site, const OverrideRequest& request) {
  const bool routing = request.subject == "routing" || has(site.classes, request.subject);
  const bool trunks = request.subject == "trunks" || has(site.trunks, request.subject);
  const bool everything = request.subject.empty() && request.kind == model::OverrideKind::Hold;
  if (!routing && !trunks && !everything)
    return model::Error{fmt::format("'{}' is neither a traffic class nor a trunk of this site", request.subject),
                        fmt::format("Say one of: routing, {}, trunks, {}", names(site.classes), names(site.trunks))};
  if (request.kind != model::OverrideKind::Force) return std::nullopt;
  if (routing && !has(site.circuits, request.to))
    return model::Error{fmt::format("'{}' is not a circuit of this site", request.to),
                        fmt::format("{} can go by: {}", request.subject, names(site.circuits))};
  if (trunks && !has(site.carriers, request.to))
    return model::Error{fmt::format("'{}' is not a carrier of this site", request.to),
                        fmt::format("{} can go by: {}", request.subject, names(site.carriers))};
  for (const auto& c : site.classes)
    if (c.name == request.subject && std::ranges::none_of(c.circuits, [&](auto id) { return site[id].name == request.to; }))
      return model::Error{fmt::format("class {} may not go by circuit {}", c.name, request.to),
                          "Add the circuit to the class's circuits in the configuration first"};
  for (const auto& t : site.trunks)
    if (t.name == request.subject && std::ranges::none_of(t.carriers, [&](auto id) { return site[id].name == request.to; }))
      return model::Error{fmt::format("trunk {} has no carrier {}", t.name, request.to), "Add the carrier to the trunk in the configuration first"};
  return std::nullopt;
}

}  // namespace

std::optional<model::Error> mistake(const model::Site& site, const OverrideRequest& request) {
  if (auto wrong = mistaken_names(site, request)) return wrong;
  if (request.lasting < std::chrono::seconds(1) || request.lasting > kLongestOverride)
    return model::Error{"an override needs an end between 1 second and 7 days from now", "Say for how long: --for 30m"};
  if (std::ranges::all_of(request.reason, [](unsigned char c) { return c <= ' '; }))
    return model::Error{"an override needs a reason", "Say why, for those who read the journal later: --reason \"CHG-1182 planned work by ISP One\""};
  if (request.reason.size() > 500) return model::Error{"the reason is longer than 500 bytes", "Say it shorter and point to the ticket"};
  return std::nullopt;
}

std::vector<model::Override> Overrides::add(model::Override override) {
  std::vector<model::Override> replaced;
  std::erase_if(all_, [&](const model::Override& o) {
    const bool same = o.kind == override.kind && o.subject == override.subject;
    if (same) replaced.push_back(o);
    return same;
  });
  all_.push_back(std::move(override));
  return replaced;
}

std::vector<model::Override> Overrides::release(std::int64_t id, std::string_view subject) {
  std::vector<model::Override> removed;
  std::erase_if(all_, [&](const model::Override& o) {
    const bool meant = id != 0 ? o.id == id : subject.empty() || o.subject == subject;
    if (meant) removed.push_back(o);
    return meant;
  });
  return removed;
}

std::vector<model::Override> Overrides::expire(model::WallTime now) {
  std::vector<model::Override> ended;
  std::erase_if(all_, [&](const model::Override& o) {
    if (o.until <= now) ended.push_back(o);
    return o.until <= now;
  });
  return ended;
}

std::optional<model::WallTime> Overrides::next_expiry() const {
  if (all_.empty()) return std::nullopt;
  return std::ranges::min_element(all_, {}, &model::Override::until)->until;
}

}  // namespace linekeeper::operations
