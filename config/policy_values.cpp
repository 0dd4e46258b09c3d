// Words of policy: codecs, and when traffic goes back.
#include <fmt/format.h>

#include <array>

#include "config/values.hpp"

namespace linekeeper::config {
namespace {

using namespace std::chrono_literals;

constexpr auto kCodecs = std::to_array<std::pair<std::string_view, model::Codec>>({
    {"none", model::Codec::None},
    {"g711", model::Codec::G711},
    {"g711-no-plc", model::Codec::G711NoPlc},
    {"g729a", model::Codec::G729A},
    {"opus", model::Codec::Opus},
});

constexpr model::Duration kAfterMin = 1s, kAfterMax = 168h;

constexpr const char* kForms = R"("automatic", "after 10m", "window 01:00-05:00" or "manual")";

/// "01:00": two digits each, 00:00 to 23:59.
Valued<std::chrono::minutes> parse_time_of_day(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 100; };
  const bool shaped = text.size() == 5 && text[2] == ':';
  const int hours = shaped ? 10 * digit(0) + digit(1) : 100;
  const int minutes = shaped ? 10 * digit(3) + digit(4) : 100;
  if (hours < 24 && minutes < 60) return std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return std::unexpected(
      Fault{fmt::format("{} is not a time of day", quoted(text)), R"(00:00 to 23:59, two digits each, like "window 01:00-05:00")"});
}

Valued<model::Failback> parse_after(std::string_view text) {
  const auto after = parse_duration(text);
  if (!after) return std::unexpected(after.error());
  if (*after >= kAfterMin && *after <= kAfterMax) return model::Failback{.mode = model::FailbackMode::After, .after = *after};
  return std::unexpected(
      Fault{fmt::format("after {} is out of its bounds", show(*after)),
            fmt::format(R"({} to {}; "automatic" goes back at once, "manual" never by itself)", show(kAfterMin), show(kAfterMax))});
}

Valued<model::Failback> parse_window(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos)
    return std::unexpected(Fault{fmt::format("the window {} has no end", quoted(text)), R"(like "window 01:00-05:00")"});
  const auto opens = parse_time_of_day(text.substr(0, dash));
  if (!opens) return std::unexpected(opens.error());
  const auto closes = parse_time_of_day(text.substr(dash + 1));
  if (!closes) return std::unexpected(closes.error());
  if (*opens == *closes) {
    return std::unexpected(
        Fault{fmt::format("the window {} opens and closes at the same time", text), R"(two different times; for "all day" write "automatic")"});
  }
  return model::Failback{.mode = model::FailbackMode::Window, .opens = *opens, .closes = *closes};
}

std::string clock(std::chrono::minutes m) { return fmt::format("{:02}:{:02}", m / 1h, (m % 1h).count()); }

}  // namespace

Valued<model::Failback> parse_failback(std::string_view text) {
  if (text == "automatic") return model::Failback{};
  if (text == "manual") return model::Failback{.mode = model::FailbackMode::Manual};
  if (text.starts_with("after ")) return parse_after(text.substr(6));
  if (text.starts_with("window ")) return parse_window(text.substr(7));
  if (text == "after") return std::unexpected(Fault{R"("after" names no duration)", R"(like "after 10m")"});
  if (text == "window") return std::unexpected(Fault{R"("window" names no times)", R"(like "window 01:00-05:00")"});
  return std::unexpected(Fault{fmt::format("{} is no way back", quoted(text)), kForms});
}

std::string show(const model::Failback& failback) {
  switch (failback.mode) {
    case model::FailbackMode::Automatic: return "at once";
    case model::FailbackMode::After: return "after " + show(failback.after);
    case model::FailbackMode::Window: return clock(failback.opens) + "-" + clock(failback.closes);
    case model::FailbackMode::Manual: return "by hand";
  }
  return "?";
}

std::optional<model::SipTransport> transport_named(std::string_view word) {
  for (const model::SipTransport t : model::kEverySipTransport)
    if (to_string(t) == word) return t;
  return std::nullopt;
}

std::optional<model::Codec> codec_named(std::string_view word) {
  for (const auto& [name, codec] : kCodecs) {
    if (name == word) return codec;
  }
  return std::nullopt;
}

std::string_view word_of(model::Codec codec) {
  for (const auto& [name, known] : kCodecs) {
    if (known == codec) return name;
  }
  return "?";
}

}  // namespace linekeeper::config
