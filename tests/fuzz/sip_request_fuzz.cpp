// Any bytes as a SIP request of somebody else's, and what is answered to it: an answer has the lines that it should have and not one more,
// and goes nowhere but back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "carriers/sip/message_head.hpp"
#include "carriers/trunks/redirect_answers.hpp"

using namespace linekeeper;

namespace {

const runtime::Peer kFrom{.address = {.family = model::Family::V4, .bytes = {198, 51, 100, 9}}, .port = 6000};

void must(bool so) {
  if (!so) std::abort();
}

std::size_t lines_of(std::string_view text) {
  std::size_t count = 0;
  for (auto end = text.find("\r\n"); end != std::string_view::npos; end = text.find("\r\n")) {
    must(end == 0 || (text[0] != ' ' && text[0] != '\t'));
    text.remove_prefix(end + 2);
    ++count;
  }
  must(text.empty());
  return count;
}

void answered_well(const sip::Request& request, const sip::Reply& reply) {
  const std::string bytes = sip::write_reply(request, reply, kFrom);
  must(bytes.find("\r\n\r\n") == bytes.size() - 4);
  must(std::ranges::count(bytes, '\n') == std::ranges::count(bytes, '\r'));
  const std::size_t routes = reply.status < 300 ? request.record_routes.size() : 0;
  // Status line, From, To, Call-ID, CSeq, Server, Content-Length and the empty one.
  must(lines_of(bytes) == 8 + request.vias.size() + routes + reply.more.size());
  for (const auto& [name, value] : reply.more)
    if (name == "Contact") must(value.starts_with("<sip:") && std::ranges::count(value, '<') == 1 && std::ranges::count(value, '>') == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto in = sip::parse_request({reinterpret_cast<const char*>(data), size});
  if (!in) return 0;
  const sip::Request& request = in->request;
  must(sip::is_token(request.method) && !request.vias.empty() && !request.call_id.empty() && request.cseq <= 0x7fffffff);
  must(in->status == 0 || (in->status >= 400 && in->status <= 699));
  const auto target = sip::reply_target(request, kFrom);
  must(target.address == kFrom.address && target.port != 0);
  must(!sip::transaction_key(request).empty());
  static const trunks::RedirectAnswers answers({{"5071", 5071, "203.0.113.10:5060"}, {"5072", 5072, "[2001:db8::20]:5060"}}, {1, 2});
  const auto at_way = answers.at_way(0, *in), at_redirect = answers.at_redirect(*in);
  must(at_way.has_value() == (request.method != "ACK") && at_redirect.has_value() == at_way.has_value());
  if (at_way) answered_well(request, *at_way);
  if (!at_redirect) return 0;
  answered_well(request, *at_redirect);
  must(at_redirect->status != 302 || (in->status == 0 && request.method == "INVITE"));
  must(answers.at_redirect(*in)->to_tag == at_redirect->to_tag);
  return 0;
}
