#include <algorithm>
#include <array>
#include <cctype>

#include "carriers/sip/message.hpp"
#include "carriers/sip/request_message.hpp"

namespace linekeeper::sip {
namespace {

bool all_of(std::string_view text, std::string_view besides_alnum) {
  return std::ranges::all_of(text, [&](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || besides_alnum.contains(c); });
}

model::Error refuse(const std::string& what, const std::string& remedy) { return {.what = what, .remedy = remedy}; }

}  // namespace

std::string_view via_transport(model::SipTransport transport) {
  switch (transport) {
    case model::SipTransport::Udp: return "UDP";
    case model::SipTransport::Tcp: return "TCP";
    case model::SipTransport::Tls: return "TLS";
  }
  return "UDP";
}

std::string transport_parameter(model::SipTransport transport, bool sips) {
  if (transport == model::SipTransport::Udp || sips) return {};
  return ";transport=" + std::string(model::to_string(transport));
}

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

  const std::string host = uri_host(fields.local.address);
  const std::string target = sip_uri("", fields.domain.empty() ? uri_host(fields.carrier.address) : fields.domain, fields.carrier.port, fields.sips);
  RequestMessage options{
      .method = "OPTIONS",
      .uri = target + transport_parameter(fields.transport, fields.sips),
      .transport = std::string(via_transport(fields.transport)),
      .local = fields.local,
      .branch = ids.branch,
      .overload_control = fields.overload_control,
      .max_forwards = fields.max_forwards,
      .from = "<" + sip_uri(fields.from_user, host, 5060) + ">;tag=" + ids.from_tag,
      .to = "<" + target + ">",
      .call_id = ids.call_id,
      .cseq = ids.cseq,
      .contact = "<" + sip_uri(fields.from_user, host, fields.local.port, fields.sips) + transport_parameter(fields.transport, fields.sips) + ">",
      .more = {{"Accept", "application/sdp"}}};
  if (fields.digest != nullptr)
    if (auto credentials = fields.digest->header(options.method, options.uri)) options.more.push_back(std::move(*credentials));
  return write_request(options);
}

}  // namespace linekeeper::sip
