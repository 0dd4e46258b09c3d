#include "controller/runtime/kept_moment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "controller/runtime/clock.hpp"

namespace linekeeper::runtime {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFurthest = std::chrono::hours(24 * 365 * 30);

/// Takes a number from the beginning of the text.
std::optional<std::int64_t> number(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// How far it is from now. @param value, now  milliseconds of one clock
model::Duration distance(std::int64_t value, std::int64_t now) {
  return milliseconds(std::clamp(value, now - kFurthest.count(), now + kFurthest.count()) - now);
}

}  // namespace

Clocks read_clocks() { return {.boot = boot_now(), .wall = wall_now(), .boot_id = boot_id()}; }

std::string kept_text(model::Instant at, const Clocks& now) {
  const auto wall = now.wall + std::chrono::ceil<milliseconds>(at - now.boot);
  const auto boot = std::chrono::ceil<milliseconds>(at.time_since_epoch());
  return fmt::format("{}@{}:{}", wall.time_since_epoch().count(), now.boot_id, boot.count());
}

std::optional<KeptMoment> read_kept(std::string_view text, const Clocks& now) {
  const auto wall = number(text);
  if (!wall) return std::nullopt;
  model::Duration away = distance(*wall, now.wall.time_since_epoch().count());
  if (text.starts_with('@')) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view id = text.substr(1, colon - 1);
    text.remove_prefix(colon + 1);
    const auto boot = number(text);
    if (!boot) return std::nullopt;
    if (!id.empty() && id == now.boot_id) away = distance(*boot, std::chrono::floor<milliseconds>(now.boot.time_since_epoch()).count());
  }
  if (!text.empty() && !text.starts_with(' ')) return std::nullopt;
  return KeptMoment{.at = now.boot + away, .rest = text.empty() ? text : text.substr(1)};
}

}  // namespace linekeeper::runtime
