#include <fmt/format.h>

#include <charconv>

#include "config/etiquette_presets.hpp"
#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr std::uint16_t kSipPort = 5060;

void read_replies(Section& owner, std::map<int, model::ReplyClass>& replies) {
  const toml::table* table = owner.table("replies");
  if (table == nullptr) return;
  for (auto&& [key, node] : *table) {
    const std::string_view typed = key.str();
    int code = 0;
    const auto [end, error] = std::from_chars(typed.data(), typed.data() + typed.size(), code);
    if (error != std::errc{} || end != typed.data() + typed.size() || code < 200 || code > 699) {
      owner.complain_at(place_of(key.source()), "replies", fmt::format("{} replies: {} is not a final response", owner.label(), quoted(typed)),
                        "a SIP status from 200 to 699");
      continue;
    }
    const auto* word = node.as_string();
    const auto reading_as = word != nullptr ? reply_class(word->get()) : std::nullopt;
    if (reading_as) {
      replies[code] = *reading_as;
    } else {
      const std::string found = word != nullptr ? quoted(word->get()) : std::string(type_words(node));
      owner.complain_at(place_of(node.source()), "replies",
                        fmt::format("{} replies: {} is read as {}, which is no class", owner.label(), code, found), std::string(kReplyClasses));
    }
  }
}

void read_etiquette(Section& section, model::Carrier& carrier) {
  if (const auto name = section.text("etiquette")) {
    if (const auto* preset = etiquette_preset(*name))
      apply(*preset, carrier);
    else
      section.complain("etiquette", fmt::format("{} etiquette {} is not known", section.label(), quoted(*name)),
                       etiquette_names() + "; of other carriers ask their rule and set interval, floor and verify_burst");
  }
  section.duration("interval", carrier.interval);
  section.duration("floor", carrier.floor);
  section.duration("carrier_floor", carrier.carrier_floor);
  section.duration("retry_after_max", carrier.retry_after_max);
  section.integer("verify_burst", carrier.verify_burst);
}

void read_auth(Section& owner, model::Carrier& carrier) {
  auto section = owner.inner("auth");
  if (!section) return;
  model::SipCredentials& auth = carrier.auth.emplace();
  section->text("user", auth.user);
  section->text("realm", auth.realm);
  section->text("password_file", auth.password_file);
  section->finish();
  if (auth.user.find_first_of("\"\\") != std::string::npos)
    section->complain("user", fmt::format("{} user has a quote or a backslash", section->label()), "the name as the carrier gave it");
  if (auth.password_file.contains('/') && !auth.password_file.starts_with('/'))
    section->complain("password_file",
                      fmt::format("{} password_file {} is neither an absolute path nor a name", section->label(), quoted(auth.password_file)),
                      "a path that begins with /, or the name of a systemd credential");
}

}  // namespace

void read_carrier(Section& section, model::Carrier& carrier) {
  carrier.provider = carrier.name;
  carrier.from_user = "linekeeper";
  section.text("provider", carrier.provider);
  if (const auto text = section.text("address")) {
    const auto at = *parse_endpoint(*text, kSipPort);
    carrier.address = at.address;
    carrier.port = at.port;
    if (is_ipv4(section, "address", section.place("address"), at.address) && at.port == 0) {
      section.complain("address", fmt::format("{} address has port 0", section.label()), "a port from 1 to 65535; 5060 when left out");
    }
    carrier.domain = at.address.to_string();
  }
  section.text("domain", carrier.domain);
  section.text("from_user", carrier.from_user);
  section.integer("priority", carrier.priority);
  section.number("cost", carrier.cost);
  if (const auto channels = section.integer("channels")) carrier.channels = static_cast<int>(*channels);
  carrier.calls_per_second = section.number("calls_per_second");
  read_etiquette(section, carrier);
  section.duration("deadline", carrier.deadline);
  section.integer("max_forwards", carrier.max_forwards);
  section.flag("steer_apart", carrier.steer_apart);
  carrier.prefixes = read_destinations(section, "prefixes");
  for (const model::Prefix& p : carrier.prefixes)
    if (!is_ipv4(section, "prefixes", section.place("prefixes"), p.address)) break;
  read_auth(section, carrier);
  read_replies(section, carrier.replies);
  section.finish();
}

}  // namespace linekeeper::config
