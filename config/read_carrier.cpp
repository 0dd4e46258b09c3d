#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

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

/// The host part of a URI: IPv6 in brackets.
std::string host_part(const model::IpAddress& address) {
  return address.family == model::Family::V6 ? "[" + address.to_string() + "]" : address.to_string();
}

/// A place that is written as a number, with a port that is one.
model::Endpoint numeric(Section& section, std::string_view key, Place place, std::string_view text, model::SipTransport transport) {
  const auto at = *parse_endpoint(text, transport == model::SipTransport::Tls ? kSipsPort : kSipPort);
  if (at.port == 0)
    section.complain_at(place, key, fmt::format("{} {} has port 0", section.label(), key),
                        "a port from 1 to 65535; 5060, and 5061 over TLS, when left out");
  return {.address = at.address, .port = at.port, .transport = transport};
}

void read_address(Section& section, const std::string& text, model::Carrier& carrier) {
  const Server server = *parse_server(text);
  if (server.name.empty()) {
    const model::Endpoint at = numeric(section, "address", section.place("address"), text, carrier.transport);
    carrier.address = at.address;
    carrier.port = at.port;
    carrier.domain = host_part(at.address);
    return;
  }
  carrier.host = carrier.domain = server.name;
  carrier.host_port = server.port;
}

void read_addresses(Section& section, std::span<const Section::Item> items, model::Carrier& carrier) {
  for (const auto& item : items) {
    const model::Endpoint at = numeric(section, "addresses", item.place, item.text, carrier.transport);
    if (std::ranges::find(carrier.addresses, at) != carrier.addresses.end())
      section.complain_at(item.place, "addresses", fmt::format("{} addresses: {} is there twice", section.label(), at.to_string()),
                          "each address once");
    if (!carrier.addresses.empty() && at.address.family != carrier.addresses.front().address.family)
      section.complain_at(
          item.place, "addresses",
          fmt::format("{} addresses: {} is of another family than {}", section.label(), at.to_string(), carrier.addresses.front().to_string()),
          "addresses of one family; a carrier with both is two carriers, or has a host name");
    carrier.addresses.push_back(at);
  }
  if (carrier.addresses.size() > model::kMostEndpoints)
    section.complain("addresses",
                     fmt::format("{} has {} addresses, and {} are the most", section.label(), carrier.addresses.size(), model::kMostEndpoints),
                     "the addresses that calls are really sent to");
  if (carrier.addresses.empty()) return;
  carrier.address = carrier.addresses.front().address;
  carrier.port = carrier.addresses.front().port;
  carrier.domain = host_part(carrier.address);
}

/// Where it is: exactly one of a number, a name and a list.
void read_places(Section& section, model::Carrier& carrier) {
  const auto one = section.text("address");
  const auto several = section.texts("addresses");
  if (one) read_address(section, *one, carrier);
  if (several) read_addresses(section, *several, carrier);
  if (section.has("address") && section.has("addresses"))
    section.complain("addresses", section.label() + " has address and addresses", "one of them: addresses replaces address");
  if (!section.has("address") && (!section.has("addresses") || (several && several->empty())))
    section.complain("address", section.label() + " has no address", R"(address = "198.51.100.10", a host name, or a list of addresses)");
  carrier.pinned = read_destinations(section, "pinned");
  if (!carrier.pinned.empty() && !carrier.named())
    section.complain("pinned", section.label() + " has pinned networks, but a numeric address", "leave them out: nothing is looked up");
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
  if (carrier.named()) return;
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
  section.flag("overload_control", carrier.overload_control);
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
  if (const auto word = section.text("transport")) {
    carrier.transport = *transport_named(*word);
    carrier.transport_given = true;
  }
  read_places(section, carrier);
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
