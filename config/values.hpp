#pragma once
// Single values: their forms, what is wrong with one that has not its form, and how they are shown to people. Pure.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "controller/model/ip_address.hpp"
#include "controller/model/site.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::config {

/// What is wrong with a value and what would be right, as clauses.
struct Fault {
  std::string what;
  std::string remedy;
};
template <class T>
using Valued = std::expected<T, Fault>;

/// The kinds of value the file knows.
enum class Form : std::uint8_t {
  Section,
  Sections,  ///< [x] and [[x]]
  Table,     ///< { ... }
  Limits,    ///< { ... }, or the word "none"
  Flag,
  Integer,
  Number,
  Duration,
  Name,        ///< [A-Za-z0-9._-], 1 to 40: people type them, metrics carry them as labels
  Prose,       ///< free text for people, no control characters, at most 80 bytes
  Interface,   ///< Linux device name: 1 to 15 bytes, no '/', no white space (dev_valid_name() in the kernel)
  SocketPath,  ///< absolute, at most 107 bytes (sun_path of unix(7))
  FilePath,    ///< absolute
  Host,        ///< host part of a URI or of a Host header
  SipUser,     ///< user part of a SIP URI, unescaped (RFC 3261 25.1 `user`)
  Address,     ///< numeric IPv4 or IPv6 address
  Endpoint,    ///< numeric address and port
  Prefix,      ///< "10.0.0.0/24"
  Gateway,     ///< address, or the word "kernel"
  Family,      ///< "ipv4" or "ipv6"
  Nat,         ///< "off", "masquerade", or an address
  Driver,      ///< of a PBX
  Codec,       ///< of a class's calls
  Url,         ///< "http://host[:port]/path", https likewise
  CheckKind,   ///< of a [[check]]
  Method,      ///< how a target is asked
  Server,      ///< numeric address or host name, with a port or without: where SIP requests go
  CallExpect,  ///< how far a test call must come
  DnsName,     ///< "a.root-servers.net": labels of 1 to 63 letters, digits, '-' and '_' (RFC 1035 2.3.4, 3.1); "." is the root
  Transport,   ///< of SIP: "udp", "tcp" or "tls"
  Failback,    ///< "automatic", "after 10m", "window 01:00-05:00", "manual"
};

/// The fault of a text in one of the text forms (Name to Failback); nothing when it is well-formed.
[[nodiscard]] std::optional<Fault> fault_of(Form form, std::string_view text);

/// "200ms", "1.5s", "2m", "1h": a decimal number and its unit, nothing between them. A number alone is a fault: nobody can
/// know whether 30 meant seconds or milliseconds.
[[nodiscard]] Valued<model::Duration> parse_duration(std::string_view text);
/// The way back: the largest unit that shows it exactly ("1.5s", "90s" is "90s", "2m"), at most three decimals.
[[nodiscard]] std::string show(model::Duration d);

struct HostPort {
  model::IpAddress address;
  std::uint16_t port = 0;
};
/// "198.51.100.10:5060", "[2001:db8::1]:5060"; the port may be missing when there is a default for it.
[[nodiscard]] Valued<HostPort> parse_endpoint(std::string_view text, std::optional<std::uint16_t> default_port);
/// Numeric, or a name and perhaps a port.
struct Server {
  HostPort numeric;  ///< when `name` is empty; port 0: not given
  std::string name;
  std::optional<std::uint16_t> port;
};
/// "198.51.100.10:5060", "sip.north.example", "sip.north.example:5070".
[[nodiscard]] Valued<Server> parse_server(std::string_view text);
[[nodiscard]] Valued<model::IpAddress> parse_address(std::string_view text);

[[nodiscard]] std::optional<model::ReplyClass> reply_class(std::string_view word);  ///< "up", "busy", "degraded", "soft-down", "down"
inline constexpr std::string_view kReplyClasses = R"("up", "busy", "degraded", "soft-down" or "down")";

/// When traffic goes back, in one of the four forms of Form::Failback.
[[nodiscard]] Valued<model::Failback> parse_failback(std::string_view text);
[[nodiscard]] std::string show(const model::Failback& failback);  ///< for people: "at once", "after 10m", "01:00-05:00", "by hand"

[[nodiscard]] std::optional<model::SipTransport> transport_named(std::string_view word);
[[nodiscard]] std::optional<model::ProbeMethod> method_named(std::string_view word);
[[nodiscard]] std::optional<model::Codec> codec_named(std::string_view word);
[[nodiscard]] std::string_view word_of(model::Codec codec);

/// The known word nearest to what was typed, when near enough to be what was meant (at most a third of its letters differ, rounded up).
[[nodiscard]] std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> known);

/// Text from the file made fit for a terminal: control characters as \xNN, cut (at a character) after `limit` bytes.
[[nodiscard]] std::string clean(std::string_view text, std::size_t limit = 60);
[[nodiscard]] std::string quoted(std::string_view text);               ///< clean, in double quotes
[[nodiscard]] std::string listed(std::span<const std::string> words);  ///< "a", "b" and "c"

}  // namespace linekeeper::config
