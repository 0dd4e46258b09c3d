#include <fmt/format.h>

#include <charconv>

#include "config/etiquette_presets.hpp"
#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr std::uint16_t kSipPort = 5060, kSipsPort = 5061;  // RFC 3261 19.1.2

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

/// @pre the domain has been read
void read_tls(Section& owner, model::Carrier& carrier) {
  auto section = owner.inside("tls");
  if (!section) return;
  if (carrier.transport != model::SipTransport::Tls && !owner.table("tls")->empty())
    owner.complain("tls", fmt::format("{} has tls, and its transport is {}", owner.label(), quoted(to_string(carrier.transport))),
                   R"(transport = "tls", or leave tls out)");
  model::CarrierTls& tls = carrier.tls;
  tls.line = owner.place("tls").line;
  section->text("ca_file", tls.ca_file);
  section->text("certificate", tls.certificate);
  section->text("key", tls.key);
  section->text("name", tls.name);
  section->flag("sips", tls.sips);
  section->finish();
  if (tls.certificate.empty() != tls.key.empty()) {
    const bool key = tls.key.empty();
    section->complain(key ? "certificate" : "key",
                      fmt::format("{} has a {} and no {}", section->label(), key ? "certificate" : "key", key ? "key" : "certificate"),
                      "both, or neither");
  }
}

/// The networks of a carrier are reached by the circuits that reach it.
void check_prefixes(const Section& section, const model::Carrier& carrier) {
  for (const model::Prefix& p : carrier.prefixes)
    if (p.address.family != carrier.address.family)
      return section.complain("prefixes", fmt::format("{} prefixes: {} is of another family than its address", section.label(), p.to_string()),
                              "networks of one family; a carrier with both is two carriers");
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
  auto section = owner.inside("auth");
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

void read_test_call(Section& owner, model::Carrier& carrier) {
  auto section = owner.inside("test_call");
  if (!section) return;
  model::TestCall& call = carrier.test_call.emplace();
  section->text("number", call.number);
  if (const auto expect = section->text("expect")) call.expect = *model::call_expect_named(*expect);
  section->duration("every", call.every);
  section->duration("wait", call.wait);
  section->duration("talk", call.talk);
  section->finish();
  carrier.tried_by_call = true;
}

void read_register(Section& owner, model::Carrier& carrier) {
  auto section = owner.inside("register");
  if (!section) return;
  model::RegisterRule& rule = carrier.registration.emplace();
  section->text("user", rule.user);
  if (const auto port = section->integer("contact_port")) rule.contact_port = static_cast<std::uint16_t>(*port);
  section->duration("expires", rule.expires);
  section->finish();
}

}  // namespace

void read_carrier(Section& section, model::Carrier& carrier) {
  carrier.provider = carrier.name;
  carrier.from_user = "linekeeper";
  section.text("provider", carrier.provider);
  if (const auto word = section.text("transport")) carrier.transport = *transport_named(*word);
  if (const auto text = section.text("address")) {
    const auto at = *parse_endpoint(*text, carrier.transport == model::SipTransport::Tls ? kSipsPort : kSipPort);
    carrier.address = at.address;
    carrier.port = at.port;
    if (at.port == 0) {
      section.complain("address", fmt::format("{} address has port 0", section.label()),
                       "a port from 1 to 65535; 5060, and 5061 over TLS, when left out");
    }
    carrier.domain = at.address.family == model::Family::V6 ? "[" + at.address.to_string() + "]" : at.address.to_string();
  }
  section.text("domain", carrier.domain);
  read_tls(section, carrier);
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
  check_prefixes(section, carrier);
  read_auth(section, carrier);
  read_replies(section, carrier.replies);
  read_test_call(section, carrier);
  read_register(section, carrier);
  section.finish();
}

}  // namespace linekeeper::config
