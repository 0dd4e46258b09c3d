#include <sys/time.h>

#include <ctime>
// libosip2's headers need the two above.
#include <osipparser2/osip_parser.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

#include "carriers/sip/message.hpp"
#include "carriers/sip/osip_library.hpp"

namespace linekeeper::sip {
namespace {

struct FreeMessage {
  void operator()(osip_message_t* m) const { osip_message_free(m); }
};
struct FreeUri {
  void operator()(osip_uri_t* u) const { osip_uri_free(u); }
};
struct FreeText {
  void operator()(char* t) const { osip_free(t); }
};

std::string hex(std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += digits[(value >> shift) & 15];
  return out;
}

bool all_of(std::string_view text, std::string_view besides_alnum) {
  return std::ranges::all_of(text, [&](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || besides_alnum.contains(c); });
}

std::string host_of(const model::IpAddress& a) { return a.family == model::Family::V6 ? "[" + a.to_string() + "]" : a.to_string(); }

/// "sip:user@host:port" without what is empty or the default of the scheme (RFC 3261 19.1.2).
std::string uri(std::string_view user, std::string_view host, std::uint16_t port, bool sips = false) {
  std::string out = sips ? "sips:" : "sip:";
  if (!user.empty()) (out += user) += '@';
  out += host;
  if (port != (sips ? 5061 : 5060)) (out += ':') += std::to_string(port);
  return out;
}

/// Of Request-URI and Contact alone (RFC 3261 19.1.1, table 1). UDP goes without saying, and so does TLS with sips.
std::string transport_parameter(const OptionsFields& f) {
  if (f.transport == model::SipTransport::Udp || f.sips) return {};
  return ";transport=" + std::string(model::to_string(f.transport));
}

std::string_view via_transport(model::SipTransport t) {
  switch (t) {
    case model::SipTransport::Udp: return "UDP";
    case model::SipTransport::Tcp: return "TCP";
    case model::SipTransport::Tls: return "TLS";
  }
  return "UDP";
}

model::Error refuse(const std::string& what, const std::string& remedy) { return {.what = what, .remedy = remedy}; }

using Message = std::unique_ptr<osip_message_t, FreeMessage>;

/// @return nothing when the library takes every field.
bool fill(osip_message_t& m, const OptionsFields& f, const TransactionIds& ids, const std::string& target) {
  osip_uri_t* raw = nullptr;
  if (osip_uri_init(&raw) != 0) return false;
  std::unique_ptr<osip_uri_t, FreeUri> request_uri(raw);
  if (osip_uri_parse(request_uri.get(), (target + transport_parameter(f)).c_str()) != 0) return false;
  osip_message_set_method(&m, osip_strdup("OPTIONS"));
  osip_message_set_version(&m, osip_strdup("SIP/2.0"));
  osip_message_set_uri(&m, request_uri.release());

  const auto host = host_of(f.local.address);
  const auto via =
      "SIP/2.0/" + std::string(via_transport(f.transport)) + " " + host + ":" + std::to_string(f.local.port) + ";rport;branch=" + ids.branch;
  const auto from = "<" + uri(f.from_user, host, 5060) + ">;tag=" + ids.from_tag;
  const auto contact = "<" + uri(f.from_user, host, f.local.port, f.sips) + transport_parameter(f) + ">";
  return osip_message_set_via(&m, via.c_str()) == 0 && osip_message_set_max_forwards(&m, std::to_string(f.max_forwards).c_str()) == 0 &&
         osip_message_set_from(&m, from.c_str()) == 0 && osip_message_set_to(&m, ("<" + target + ">").c_str()) == 0 &&
         osip_message_set_call_id(&m, ids.call_id.c_str()) == 0 && osip_message_set_cseq(&m, (std::to_string(ids.cseq) + " OPTIONS").c_str()) == 0 &&
         osip_message_set_contact(&m, contact.c_str()) == 0 && osip_message_set_accept(&m, "application/sdp") == 0 &&
         osip_message_set_user_agent(&m, "Linekeeper") == 0 && osip_message_set_content_length(&m, "0") == 0;
}

}  // namespace

TransactionIds make_ids(runtime::SeededRandom& random, std::uint64_t sequence) {
  const std::array<std::uint64_t, 5> r{random.next(), random.next(), random.next(), random.next(), random.next()};
  return {.branch = "z9hG4bK" + hex(r[0]) + hex(r[1]),
          .call_id = hex(r[2]) + hex(r[3]),
          .from_tag = hex(r[4]),
          .cseq = static_cast<std::uint32_t>(1 + (sequence + 0x7ffffffe) % 0x7fffffff)};
}

model::Result<std::string> build_options(const OptionsFields& fields, const TransactionIds& ids) {
  // RFC 3261 25.1: what stands in a host and in the user part of a URI without escapes.
  if (!all_of(fields.domain, ".-:[]"))
    return std::unexpected(refuse("the domain '" + fields.domain + "' cannot stand in a SIP URI", "Give a host name or an address"));
  if (!all_of(fields.from_user, "-_.!~*'()&=+$,;?/%"))
    return std::unexpected(
        refuse("the user '" + fields.from_user + "' cannot stand in a SIP URI", "Escape what RFC 3261 25.1 does not allow in a user"));
  if (fields.max_forwards < 0 || fields.max_forwards > 255)
    return std::unexpected(refuse("Max-Forwards " + std::to_string(fields.max_forwards) + " is not within 0 to 255", "70 is usual"));

  prepare_osip();
  osip_message_t* raw = nullptr;
  if (osip_message_init(&raw) != 0) return std::unexpected(refuse("no memory for a SIP message", ""));
  const Message message(raw);
  const auto target = uri("", fields.domain.empty() ? host_of(fields.carrier.address) : fields.domain, fields.carrier.port, fields.sips);
  if (!fill(*message, fields, ids, target)) return std::unexpected(refuse("cannot build OPTIONS for " + target, ""));

  if (const auto credentials = fields.digest == nullptr ? std::nullopt : fields.digest->header("OPTIONS", target))
    if (osip_message_set_header(message.get(), credentials->first.c_str(), credentials->second.c_str()) != 0)
      return std::unexpected(refuse("cannot write credentials for " + target, ""));

  char* text = nullptr;
  std::size_t size = 0;
  if (osip_message_to_str(message.get(), &text, &size) != 0) return std::unexpected(refuse("cannot write OPTIONS for " + target, ""));
  const std::unique_ptr<char, FreeText> owned(text);
  return std::string(text, size);
}

}  // namespace linekeeper::sip
