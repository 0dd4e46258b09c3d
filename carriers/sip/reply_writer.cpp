#include <array>

#include "carriers/sip/dialog_fields.hpp"
#include "carriers/sip/message_head.hpp"
#include "carriers/sip/request_message.hpp"
#include "carriers/sip/request_reader.hpp"

namespace linekeeper::sip {
namespace {

/// The Via as it came, with where it came from: always `received`, which costs nothing and spares a look at whether it is needed; the value
/// of `rport` where it was asked for. What the other side claims of itself in these two is dropped.
std::string stamped(const Request& request, const runtime::Peer& from) {
  const std::string_view via = request.vias.front();
  const auto first = via.find(';');
  std::string out(trimmed(via.substr(0, first)));
  for (std::string_view rest = first == std::string_view::npos ? std::string_view() : via.substr(first + 1); !rest.empty();) {
    const auto end = rest.find(';');
    const auto one = trimmed(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const auto name = lower(trimmed(one.substr(0, one.find('='))));
    if (!one.empty() && name != "received" && name != "rport") (out += ';') += one;
  }
  out += ";received=" + from.address.to_string();
  if (request.rport) out += ";rport=" + std::to_string(from.port);
  return out;
}

void line(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

}  // namespace

std::string_view usual_reason(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 20> kReasons{{{100, "Trying"},
                                                                              {200, "OK"},
                                                                              {302, "Moved Temporarily"},
                                                                              {400, "Bad Request"},
                                                                              {403, "Forbidden"},
                                                                              {404, "Not Found"},
                                                                              {405, "Method Not Allowed"},
                                                                              {408, "Request Timeout"},
                                                                              {416, "Unsupported URI Scheme"},
                                                                              {420, "Bad Extension"},
                                                                              {480, "Temporarily Unavailable"},
                                                                              {481, "Call/Transaction Does Not Exist"},
                                                                              {483, "Too Many Hops"},
                                                                              {487, "Request Terminated"},
                                                                              {488, "Not Acceptable Here"},
                                                                              {500, "Server Internal Error"},
                                                                              {501, "Not Implemented"},
                                                                              {503, "Service Unavailable"},
                                                                              {505, "Version Not Supported"},
                                                                              {513, "Message Too Large"}}};
  for (const auto& [code, words] : kReasons)
    if (code == status) return words;
  return status < 300 ? "OK" : "Failed";
}

std::string write_reply(const Request& request, const Reply& reply, const runtime::Peer& from) {
  std::string out = "SIP/2.0 " + std::to_string(reply.status) + " ";
  out += reply.reason.empty() ? usual_reason(reply.status) : std::string_view(reply.reason);
  out += "\r\n";
  line(out, "Via", stamped(request, from));
  for (std::size_t i = 1; i < request.vias.size(); ++i) line(out, "Via", request.vias[i]);
  if (reply.status < 300)
    for (const std::string& route : request.record_routes) line(out, "Record-Route", route);
  line(out, "From", request.from);
  line(out, "To", request.to_tag.empty() && !reply.to_tag.empty() ? request.to + ";tag=" + reply.to_tag : request.to);
  line(out, "Call-ID", request.call_id);
  line(out, "CSeq", request.cseq_value);
  for (const auto& [name, value] : reply.more) line(out, name, value);
  line(out, "Server", "Linekeeper");
  line(out, "Content-Length", "0");
  return out += "\r\n";
}

runtime::Peer reply_target(const Request& request, const runtime::Peer& from) {
  if (request.rport) return from;
  return {.address = from.address, .port = request.sent_by_port == 0 ? std::uint16_t{5060} : request.sent_by_port};
}

}  // namespace linekeeper::sip
