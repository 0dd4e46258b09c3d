#include "carriers/sip/request_message.hpp"

#include <sys/time.h>

#include <ctime>
// libosip2's headers need the two above.
#include <osipparser2/osip_parser.h>

#include <algorithm>
#include <memory>

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

bool one_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

model::Error refuse(const RequestMessage& r, std::string_view field) {
  return {.what = "cannot write " + r.method + " for " + r.uri + ": its " + std::string(field) + " cannot stand in a SIP message",
          .remedy = "Look for characters in the names of the carrier that RFC 3261 25.1 does not allow there"};
}

bool lines_are_whole(const RequestMessage& r) {
  const auto all = [](const auto& list) { return std::ranges::all_of(list, [](const auto& text) { return one_line(text); }); };
  return one_line(r.method) && one_line(r.uri) && one_line(r.from) && one_line(r.to) && one_line(r.call_id) && one_line(r.contact) &&
         one_line(r.content_type) && one_line(r.transport) && one_line(r.branch) && all(r.routes) &&
         std::ranges::all_of(r.more, [](const auto& field) { return one_line(field.first) && one_line(field.second); });
}

bool set_uri(osip_message_t& m, const std::string& text) {
  osip_uri_t* raw = nullptr;
  if (osip_uri_init(&raw) != 0) return false;
  std::unique_ptr<osip_uri_t, FreeUri> uri(raw);
  if (osip_uri_parse(uri.get(), text.c_str()) != 0) return false;
  osip_message_set_uri(&m, uri.release());
  return true;
}

bool set_via(osip_message_t& m, const RequestMessage& r) {
  const auto via = "SIP/2.0/" + r.transport + " " + uri_host(r.local.address) + ":" + std::to_string(r.local.port) + ";rport;branch=" + r.branch +
                   (r.overload_control ? ";oc;oc-algo=\"loss\"" : "");
  return osip_message_set_via(&m, via.c_str()) == 0;
}

bool set_body(osip_message_t& m, const RequestMessage& r) {
  if (r.content_type.empty()) return osip_message_set_content_length(&m, "0") == 0;
  return osip_message_set_content_type(&m, r.content_type.c_str()) == 0 && osip_message_set_body(&m, r.body.data(), r.body.size()) == 0 &&
         osip_message_set_content_length(&m, std::to_string(r.body.size()).c_str()) == 0;
}

/// @return the name of the field that the library does not take; nothing when it takes all
std::optional<std::string_view> fill(osip_message_t& m, const RequestMessage& r) {
  osip_message_set_method(&m, osip_strdup(r.method.c_str()));
  osip_message_set_version(&m, osip_strdup("SIP/2.0"));
  if (!set_uri(m, r.uri)) return "Request-URI";
  if (!set_via(m, r)) return "Via";
  for (const std::string& route : r.routes)
    if (osip_message_set_route(&m, route.c_str()) != 0) return "Route";
  if (osip_message_set_max_forwards(&m, std::to_string(r.max_forwards).c_str()) != 0) return "Max-Forwards";
  if (osip_message_set_from(&m, r.from.c_str()) != 0) return "From";
  if (osip_message_set_to(&m, r.to.c_str()) != 0) return "To";
  if (osip_message_set_call_id(&m, r.call_id.c_str()) != 0) return "Call-ID";
  if (osip_message_set_cseq(&m, (std::to_string(r.cseq) + " " + r.method).c_str()) != 0) return "CSeq";
  if (!r.contact.empty() && osip_message_set_contact(&m, r.contact.c_str()) != 0) return "Contact";
  for (const auto& [name, value] : r.more)
    if (osip_message_set_header(&m, name.c_str(), value.c_str()) != 0) return "further field";
  if (osip_message_set_user_agent(&m, "Linekeeper") != 0) return "User-Agent";
  if (!set_body(m, r)) return "body";
  return std::nullopt;
}

}  // namespace

std::string uri_host(const model::IpAddress& address) {
  return address.family == model::Family::V6 ? "[" + address.to_string() + "]" : address.to_string();
}

std::string hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(value >> shift) & 15];
  return out;
}

std::string sip_uri(std::string_view user, std::string_view host, std::uint16_t port, bool sips) {
  std::string out = sips ? "sips:" : "sip:";
  if (!user.empty()) (out += user) += '@';
  out += host;
  if (port != (sips ? 5061 : 5060)) (out += ':') += std::to_string(port);
  return out;
}

model::Result<std::string> write_request(const RequestMessage& request) {
  if (!lines_are_whole(request)) return std::unexpected(refuse(request, "fields"));
  prepare_osip();
  osip_message_t* raw = nullptr;
  if (osip_message_init(&raw) != 0) return std::unexpected(model::Error{.what = "no memory for a SIP message", .remedy = {}});
  const std::unique_ptr<osip_message_t, FreeMessage> message(raw);
  if (const auto field = fill(*message, request)) return std::unexpected(refuse(request, *field));
  char* text = nullptr;
  std::size_t size = 0;
  if (osip_message_to_str(message.get(), &text, &size) != 0) return std::unexpected(refuse(request, "whole"));
  const std::unique_ptr<char, FreeText> owned(text);
  return std::string(text, size);
}

}  // namespace linekeeper::sip
