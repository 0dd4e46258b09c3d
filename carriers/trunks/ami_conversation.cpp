#include "carriers/trunks/ami_conversation.hpp"

#include <array>
#include <cerrno>

#include "carriers/trunks/told_text.hpp"

namespace linekeeper::trunks {

AmiConversation::AmiConversation(std::string user, SecretSource secret, std::uint64_t first_id)
    : user_(std::move(user)), secret_(std::move(secret)), id_(first_id) {}

model::Result<std::string> AmiConversation::ask(Asked what, std::string_view action, std::span<const AmiField> fields) {
  auto text = ami_action(action, ++id_, fields);
  asked_ = text ? what : Asked::Nothing;
  answer_ = {};
  return text;
}

model::Result<std::string> AmiConversation::ask_put(std::string_view family, std::string_view key, std::string_view value) {
  return ask(Asked::Put, "DBPut", std::array{AmiField{"Family", family}, AmiField{"Key", key}, AmiField{"Val", value}});
}

model::Result<std::string> AmiConversation::ask_get(std::string_view family, std::string_view key) {
  return ask(Asked::Get, "DBGet", std::array{AmiField{"Family", family}, AmiField{"Key", key}});
}

model::Result<std::string> AmiConversation::ask_time() { return ask(Asked::Time, "Ping", {}); }

// The id of the login is apart from those of requests: the request that made us connect has its own already.
model::Result<Conversation::Step> AmiConversation::opened() {
  reader_ = {};
  ready_ = false;
  login_ = id_ + (1ULL << 32);
  const auto secret = secret_();
  if (!secret) return std::unexpected(secret.error());
  auto text = ami_action("Login", login_, std::array{AmiField{"Username", user_}, AmiField{"Secret", *secret}, AmiField{"Events", "off"}});
  if (!text) return std::unexpected(text.error());
  return Step{.send = std::move(*text), .state = State::Opening};
}

model::Result<Conversation::Step> AmiConversation::heard(std::string_view bytes) {
  reader_.feed(bytes);
  Step step{.send = {}, .state = ready_ ? State::Ready : State::Opening};
  while (true) {
    auto message = reader_.next();
    if (!message) return std::unexpected(model::Error{"this is no AMI: " + message.error(), "Is that port manager.conf's (5038)?", EPROTO});
    if (!*message) return step;
    if (!ready_) {
      const auto done = logged_in(**message);
      if (!done) return std::unexpected(done.error());
      ready_ = *done;
      if (ready_) step.state = State::Ready;
    } else if (answered_by(**message)) {
      asked_ = Asked::Nothing;
      step.state = State::Answered;
    }
  }
}

model::Result<bool> AmiConversation::logged_in(const AmiMessage& message) {
  if (!message.answers(login_)) return false;
  if (message.get("Response") == "Success") return true;
  return std::unexpected(model::Error{"the login of " + told(user_) + " is refused: " + told(message.get("Message")),
                                      "Compare user and secret with manager.conf, and its permit= with our address", EPROTO});
}

/// Whether the answer is whole. A get's value comes as an event of its own, behind the word that it will.
bool AmiConversation::answered_by(const AmiMessage& message) {
  if (asked_ == Asked::Nothing || !message.answers(id_)) return false;
  if (message.get("Event") == "DBGetResponse") {
    answer_.value = message.get("Val");
    return asked_ == Asked::Get;
  }
  const auto response = message.get("Response");
  if (response.empty()) return false;
  if (response == "Success") {
    answer_.time = ami_time(message);
    return asked_ != Asked::Get;
  }
  const auto why = message.get("Message");
  if (asked_ == Asked::Get && why.contains("not found")) return true;
  const bool denied = why.contains("ermission denied");
  answer_.refused = model::Error{"Asterisk refuses: " + told(why),
                                 denied ? "Give the user write = system in manager.conf, and nothing more" : "Look into its log", EPROTO};
  return true;
}

}  // namespace linekeeper::trunks
