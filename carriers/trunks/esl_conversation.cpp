#include "carriers/trunks/esl_conversation.hpp"

#include <cerrno>

#include "carriers/trunks/told_text.hpp"

namespace linekeeper::trunks {

EslConversation::EslConversation(SecretSource password) : password_(std::move(password)) {}

model::Result<Conversation::Step> EslConversation::opened() {
  reader_ = {};
  ready_ = false;
  return Step{};
}

model::Result<Conversation::Step> EslConversation::opening(const EslMessage& message) {
  if (message.type == "auth/request") {
    const auto password = password_();
    if (!password) return std::unexpected(password.error());
    auto text = esl_command("auth " + *password);
    if (!text) return std::unexpected(text.error());
    return Step{.send = std::move(*text), .state = State::Opening};
  }
  if (message.type != "command/reply") return Step{};
  if (!message.reply.starts_with("+OK"))
    return std::unexpected(model::Error{"the password is refused: " + told(message.reply), "Compare it with event_socket.conf.xml", EPROTO});
  ready_ = true;
  return Step{.send = {}, .state = State::Ready};
}

model::Result<Conversation::Step> EslConversation::heard(std::string_view bytes) {
  reader_.feed(bytes);
  Step all{.send = {}, .state = ready_ ? State::Ready : State::Opening};
  while (true) {
    auto message = reader_.next();
    if (!message)
      return std::unexpected(model::Error{"this is no event socket: " + message.error(), "Is that port event_socket.conf.xml's (8021)?", EPROTO});
    if (!*message) return all;
    const auto& type = (*message)->type;
    if (type == "text/rude-rejection")
      return std::unexpected(model::Error{"our address is refused", "Allow it: apply-inbound-acl in event_socket.conf.xml", EPROTO});
    if (type == "text/disconnect-notice")
      return std::unexpected(model::Error{"it takes leave: it is going down, or has had enough of us", "", ECONNRESET});
    if (!ready_) {
      auto step = opening(**message);
      if (!step) return step;
      all.send += step->send;
      all.state = step->state;
    } else if (type == "api/response" || type == "command/reply") {
      answer_ = std::move(**message);
      all.state = State::Answered;
    }
  }
}

}  // namespace linekeeper::trunks
