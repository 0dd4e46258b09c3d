#include "config/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

namespace linekeeper::config {
namespace {

constexpr std::size_t kNameMax = 40, kProseMax = 80, kInterfaceMax = 15, kSocketPathMax = 107, kFilePathMax = 4095, kHostMax = 253, kUserMax = 64,
                      kUrlMax = 1000;

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool in(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

template <class Allowed>
std::optional<Fault> spelled(std::string_view text, std::size_t longest, Allowed allowed, const char* rule) {
  if (text.empty()) return Fault{"is empty", rule};
  if (text.size() > longest) return Fault{fmt::format("is {} characters long", text.size()), fmt::format("at most {} characters", longest)};
  if (std::ranges::all_of(text, allowed)) return std::nullopt;
  return Fault{fmt::format("{} has a character that is not allowed there", quoted(text)), rule};
}

std::optional<Fault> path_fault(std::string_view text, std::size_t longest) {
  const auto printable = [](char c) { return !control(c); };
  if (auto fault = spelled(text, longest, printable, "an absolute path without control characters")) return fault;
  if (text.front() != '/')
    return Fault{fmt::format("{} is not an absolute path", quoted(text)), fmt::format("write it from the root: {}", quoted("/" + std::string(text)))};
  return std::nullopt;
}

/// Absolute, of one of the two schemes, with a host, and without user or fragment: neither is sent.
std::optional<Fault> url_fault(std::string_view text) {
  constexpr const char* kLike = "like \"http://connectivity.example.net/check.txt\"";
  if (auto fault = spelled(text, kUrlMax, [](char c) { return !control(c) && c != ' ' && static_cast<unsigned char>(c) < 0x80; }, kLike))
    return fault;
  const std::size_t scheme = text.starts_with("http://") ? 7 : text.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return Fault{fmt::format("{} is neither an http nor an https URL", quoted(text)), kLike};
  const std::string_view authority = text.substr(scheme, text.find_first_of("/?#", scheme) - scheme);
  if (in('@', authority)) return Fault{fmt::format("{} has a user in it", quoted(text)), kLike};
  if (in('#', text)) return Fault{fmt::format("{} has a fragment, which no server sees", quoted(text)), kLike};
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;  // RFC 3986 section 3.2.2: an IPv6 address stands in brackets
  const std::size_t colon = authority.find(':', bracket);
  const std::string_view host = authority.substr(0, colon);
  const auto six = bracket > 0 && host.ends_with(']') ? model::IpAddress::parse(host.substr(1, host.size() - 2)) : std::nullopt;
  const bool spelled_well = bracket > 0 ? six && six->family == model::Family::V6
                                        : !host.empty() && std::ranges::all_of(host, [](char c) { return letter_or_digit(c) || in(c, ".-_"); });
  if (!spelled_well) return Fault{fmt::format("{} has no host name or address behind its scheme", quoted(text)), kLike};
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view port = authority.substr(colon + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error == std::errc{} && end == port.data() + port.size() && number >= 1 && number <= 65535) return std::nullopt;
  return Fault{fmt::format("{} has no port from 1 to 65535 behind its colon", quoted(text)), kLike};
}

std::optional<Fault> interface_fault(std::string_view text) {
  const auto printable = [](char c) { return !control(c) && c != ' ' && c != '/' && c != ':' && static_cast<unsigned char>(c) < 0x80; };
  if (text == "." || text == "..") return Fault{"is not an interface name", "a name as `ip link` shows it"};
  return spelled(text, kInterfaceMax, printable, "a name as `ip link` shows it: no spaces, no '/', no ':'");
}

template <class T>
std::optional<Fault> fault_in(const Valued<T>& parsed) {
  if (parsed) return std::nullopt;
  return parsed.error();
}

/// Something that is not an address but would be a name in the DNS.
bool looks_like_host_name(std::string_view text) {
  const auto hex_letter = [](char c) { return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-'; };
  const auto other_letter = [&](char c) { return letter_or_digit(c) && !(c >= '0' && c <= '9') && !hex_letter(c); };
  return std::ranges::any_of(text, other_letter) || (!in(':', text) && std::ranges::any_of(text, hex_letter));
}

/// Bytes of the character at `i` when it is printable UTF-8; 0 for control characters (C0, DEL, C1) and broken sequences.
std::size_t printable_length(std::string_view text, std::size_t i) {
  const auto byte_at = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte_at(i);
  if (lead < 0x80) return control(text[i]) ? 0 : 1;
  const std::size_t length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || lead >= 0xf5 || i + length > text.size()) return 0;
  for (std::size_t j = 1; j < length; ++j) {
    if ((byte_at(i + j) & 0xc0) != 0x80) return 0;
  }
  return lead == 0xc2 && byte_at(i + 1) < 0xa0 ? 0 : length;  // C2 80..9F are the C1 controls: terminals obey them like ESC
}

std::optional<Fault> dns_name_fault(std::string_view text) {
  constexpr std::size_t kLongestName = 253, kLongestLabel = 63;  // as text, without the final dot
  auto fault = Fault{fmt::format("{} is no name to ask for", quoted(text)), R"(like "a.root-servers.net", or "." for the root)"};
  if (text == ".") return std::nullopt;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kLongestName) return fault;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.' && label == 0) return fault;
    if (c != '.' && !letter_or_digit(c) && !in(c, "-_")) return fault;
    label = c == '.' ? 0 : label + 1;
    if (label > kLongestLabel) return fault;
  }
  return label == 0 ? std::optional(fault) : std::nullopt;
}

/// "kamailio", "command": what a PBX's driver may be.
std::string driver_words() {
  std::string words;
  for (int i = 0; i < model::kPbxDriverCount; ++i)
    words += (i == 0 ? "" : i + 1 == model::kPbxDriverCount ? " or " : ", ") + quoted(to_string(static_cast<model::PbxDriver>(i)));
  return words;
}

}  // namespace

std::optional<Fault> fault_of(Form form, std::string_view text) {
  switch (form) {
    case Form::Name:
      return spelled(
          text, kNameMax, [](char c) { return letter_or_digit(c) || in(c, "._-"); }, "letters, digits, '.', '_' and '-' only, 1 to 40 of them");
    case Form::Prose: return spelled(text, kProseMax, [](char c) { return !control(c); }, "text without control characters, 1 to 80 bytes");
    case Form::Interface: return interface_fault(text);
    case Form::SocketPath: return path_fault(text, kSocketPathMax);
    case Form::FilePath: return path_fault(text, kFilePathMax);
    case Form::Host:
      return spelled(
          text, kHostMax, [](char c) { return letter_or_digit(c) || in(c, ".-[]:"); }, "a host name or address, without scheme, user or path");
    case Form::SipUser:
      return spelled(
          text, kUserMax, [](char c) { return letter_or_digit(c) || in(c, "-_.!~*'()&=+$,;?/"); },
          "the user part only: letters, digits and -_.!~*'()&=+$,;?/ (RFC 3261 25.1)");
    case Form::Address: return fault_in(parse_address(text));
    case Form::Endpoint: return fault_in(parse_endpoint(text, 0));
    case Form::Gateway: return text == "kernel" ? std::nullopt : fault_in(parse_address(text));
    case Form::Family:
      if (text == "ipv4" || text == "ipv6") return std::nullopt;
      return Fault{fmt::format("there is no family {}", quoted(text)), R"("ipv4" or "ipv6")"};
    case Form::Nat:
      if (text == "off" || text == "masquerade") return std::nullopt;
      if (model::Prefix::parse(text) && text.find('/') != std::string_view::npos)
        return Fault{fmt::format("{} is a network: sources are not translated from prefix to prefix (RFC 6296)", quoted(text)),
                     R"("masquerade", one address, or "off" and a router that does it)"};
      return fault_in(parse_address(text));
    case Form::Prefix:
      if (model::Prefix::parse(text)) return std::nullopt;
      return Fault{fmt::format("{} is not a network", quoted(text)), R"(like "192.0.2.0/24" (no bits set behind the length), or one address)"};
    case Form::Driver:
      if (model::pbx_driver_named(text)) return std::nullopt;
      return Fault{fmt::format("there is no driver {}", quoted(text)), driver_words()};
    case Form::Codec:
      if (codec_named(text)) return std::nullopt;
      return Fault{fmt::format("there is no codec {}", quoted(text)), R"("none", "g711", "g711-no-plc", "g729a" or "opus")"};
    case Form::Transport:
      if (transport_named(text)) return std::nullopt;
      return Fault{fmt::format("there is no transport {}", quoted(text)), R"("udp", "tcp" or "tls")"};
    case Form::CallExpect:
      if (model::call_expect_named(text)) return std::nullopt;
      return Fault{fmt::format("a call cannot come as far as {}", quoted(text)), R"("ringing", "early-media" or "answer")"};
    case Form::Method:
      if (method_named(text)) return std::nullopt;
      return Fault{fmt::format("there is no method {}", quoted(text)), R"("icmp", "stamp", "tcp" or "dns")"};
    case Form::DnsName: return dns_name_fault(text);
    case Form::Server: return fault_in(parse_server(text));
    case Form::Failback: return fault_in(parse_failback(text));
    case Form::Url: return url_fault(text);
    case Form::CheckKind:
      if (model::check_kind_named(text)) return std::nullopt;
      return Fault{fmt::format("there is no kind of check {}", quoted(text)), R"("resolver", "http", "mtu", "public-address" or "hops")"};
    case Form::Section:
    case Form::Sections:
    case Form::Table:
    case Form::Limits:
    case Form::Flag:
    case Form::Integer:
    case Form::Number:
    case Form::Duration: break;
  }
  return Fault{"is text", "not text"};
}

Valued<model::Duration> parse_duration(std::string_view text) {
  static constexpr const char* kRemedy = R"(a number and its unit, like "200ms", "1.5s", "2m" or "1h")";
  const auto digits = text.find_first_not_of("0123456789.");
  const std::string_view number = text.substr(0, digits);
  const std::string_view unit = digits == std::string_view::npos ? "" : text.substr(digits);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value, std::chars_format::fixed);
  const bool whole = error == std::errc{} && end == number.data() + number.size() && !number.empty() && number.front() != '.' && number.back() != '.';
  if (!whole || number.size() > 12) return std::unexpected(Fault{fmt::format("{} is not a duration", quoted(text)), kRemedy});
  if (unit.empty())
    return std::unexpected(Fault{fmt::format("{} has no unit", quoted(text)), fmt::format(R"(write "{0}ms", "{0}s", "{0}m" or "{0}h")", number)});
  double in_ns = 0;
  if (unit == "ms")
    in_ns = 1e6;
  else if (unit == "s")
    in_ns = 1e9;
  else if (unit == "m")
    in_ns = 60e9;
  else if (unit == "h")
    in_ns = 3600e9;
  else
    return std::unexpected(Fault{fmt::format("{} has an unknown unit", quoted(text)), "ms, s, m or h, right behind the number"});
  const double ns = std::round(value * in_ns);
  constexpr double kLongest = 1e4 * 3600e9;  // ten thousand hours: far beyond every bound, far below where int64 ends
  if (ns > kLongest) return std::unexpected(Fault{fmt::format("{} is more than a year", quoted(text)), kRemedy});
  return model::Duration(static_cast<model::Duration::rep>(ns));
}

std::string show(model::Duration d) {
  using namespace std::chrono;
  if (d == model::Duration::zero()) return "0s";
  if (d >= 1h && d % 1h == 0s) return fmt::format("{}h", d / 1h);
  if (d >= 2min && d % 1min == 0s) return fmt::format("{}m", d / 1min);
  const auto decimals = [](double value, const char* unit) {
    std::string text = fmt::format("{:.3f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text + unit;
  };
  if (d >= 1s) return decimals(model::seconds(d), "s");
  return decimals(model::seconds(d) * 1e3, "ms");
}

Valued<model::IpAddress> parse_address(std::string_view text) {
  if (auto address = model::IpAddress::parse(text)) return *address;
  if (looks_like_host_name(text)) {
    return std::unexpected(
        Fault{fmt::format("{} is a host name", quoted(text)), "only a carrier's address may be a name: write the numeric address it stands for"});
  }
  return std::unexpected(Fault{fmt::format("{} is not an address", quoted(text)), R"(like "192.0.2.1" or "2001:db8::1")"});
}

Valued<Server> parse_server(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(':'));
  const std::string_view bare = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
  const std::string_view top = bare.substr(bare.rfind('.') + 1);
  const bool named = !top.empty() && ((top[0] >= 'a' && top[0] <= 'z') || (top[0] >= 'A' && top[0] <= 'Z'));
  if (!named || std::ranges::count(text, ':') > 1) {  // a name's last label begins with a letter, a mistyped address does not (RFC 1123 2.1)
    const auto numeric = parse_endpoint(text, std::uint16_t{0});
    if (!numeric && looks_like_host_name(text))
      return std::unexpected(Fault{fmt::format("{} is not an address, and no name: those end in a label that begins with a letter", quoted(text)),
                                   R"(like "198.51.100.10:5060" or "sip.north.example")"});
    if (!numeric) return std::unexpected(numeric.error());
    return Server{.numeric = *numeric, .name = {}, .port = {}};
  }
  if (auto fault = dns_name_fault(name)) return std::unexpected(std::move(*fault));
  Server server{.numeric = {}, .name = std::string(bare), .port = {}};
  if (name.size() == text.size()) return server;
  const std::string_view digits = text.substr(name.size() + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535)
    return std::unexpected(
        Fault{fmt::format("{} has no port behind its ':'", quoted(text)), "a port from 1 to 65535, or none: then DNS says which (SRV)"});
  server.port = static_cast<std::uint16_t>(port);
  return server;
}

Valued<HostPort> parse_endpoint(std::string_view text, std::optional<std::uint16_t> default_port) {
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::unexpected(Fault{fmt::format("{} has no ']'", quoted(text)), R"(like "[2001:db8::1]:5060")"});
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':'))
      return std::unexpected(Fault{fmt::format("{} has something behind the ']'", quoted(text)), R"(like "[2001:db8::1]:5060")"});
  } else if (std::ranges::count(text, ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size());
  } else if (std::ranges::count(text, ':') > 1 && !default_port) {
    return std::unexpected(
        Fault{fmt::format("{} does not tell address from port", quoted(text)), R"(put the address in brackets: "[2001:db8::1]:5060")"});
  }
  auto address = parse_address(host);
  if (!address) return std::unexpected(address.error());
  if (port.empty()) {
    if (!default_port) return std::unexpected(Fault{fmt::format("{} has no port", quoted(text)), fmt::format(R"(like "{}:9851")", clean(text))});
    return HostPort{*address, *default_port};
  }
  port.remove_prefix(1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number > 65535) {
    return std::unexpected(Fault{fmt::format("{} is not a port", quoted(port)), "a whole number from 0 to 65535"});
  }
  return HostPort{*address, static_cast<std::uint16_t>(number)};
}

std::optional<model::ReplyClass> reply_class(std::string_view word) {
  using enum model::ReplyClass;
  if (word == "up") return Up;
  if (word == "busy") return Busy;
  if (word == "degraded") return Degraded;
  if (word == "soft-down") return SoftDown;
  if (word == "down") return Down;
  return std::nullopt;
}

std::optional<model::ProbeMethod> method_named(std::string_view word) {
  for (const model::ProbeMethod m : model::kEveryProbeMethod)
    if (model::to_string(m) == word) return m;
  return std::nullopt;
}

std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> known) {
  if (typed.size() > kNameMax) return std::nullopt;  // bounds the work; no key or name is longer
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  for (const std::string& word : known) {
    if (word.size() > kNameMax) continue;
    std::vector<std::size_t> row(word.size() + 1);  // Levenshtein, one row
    for (std::size_t j = 0; j <= word.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= typed.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= word.size(); ++j) {
        const std::size_t substituted = diagonal + (typed[i - 1] == word[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
      }
    }
    const std::size_t allowed = (std::max(typed.size(), word.size()) + 2) / 3;
    if (row.back() <= allowed && (!best || row.back() < best_distance)) {
      best = word;
      best_distance = row.back();
    }
  }
  return best;
}

std::string clean(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (out.size() >= limit) return out + "...";
    const std::size_t length = printable_length(text, i);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i++]));
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

std::string quoted(std::string_view text) { return '"' + clean(text) + '"'; }

std::string listed(std::span<const std::string> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) out += i + 1 == words.size() ? " and " : ", ";
    out += quoted(words[i]);
  }
  return out;
}

}  // namespace linekeeper::config
