#include <fmt/format.h>

#include <charconv>

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
  section.duration("interval", carrier.interval);
  section.duration("floor", carrier.floor);
  section.duration("deadline", carrier.deadline);
  section.integer("verify_burst", carrier.verify_burst);
  section.integer("max_forwards", carrier.max_forwards);
  section.flag("steer_apart", carrier.steer_apart);
  carrier.prefixes = read_destinations(section, "prefixes");
  for (const model::Prefix& p : carrier.prefixes)
    if (!is_ipv4(section, "prefixes", section.place("prefixes"), p.address)) break;
  read_replies(section, carrier.replies);
  section.finish();
}

}  // namespace linekeeper::config
