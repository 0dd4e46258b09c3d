#include "carriers/trunks/dns_conversation.hpp"

namespace linekeeper::trunks {

std::string DnsConversation::ask(std::span<const std::uint8_t> message) {
  std::string text{static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
  text.append(message.begin(), message.end());
  return text;
}

model::Result<Conversation::Step> DnsConversation::opened() {
  unread_.clear();
  answer_.clear();
  return Step{.send = {}, .state = State::Ready};
}

model::Result<Conversation::Step> DnsConversation::heard(std::string_view bytes) {
  unread_.insert(unread_.end(), bytes.begin(), bytes.end());
  if (unread_.size() < 2) return Step{.send = {}, .state = State::Ready};
  const std::size_t length = std::size_t{unread_[0]} << 8 | unread_[1];  // 65,535 at most: the bound of what is kept
  if (unread_.size() < 2 + length) return Step{.send = {}, .state = State::Ready};
  answer_.assign(unread_.begin() + 2, unread_.begin() + 2 + static_cast<std::ptrdiff_t>(length));
  unread_.clear();
  return Step{.send = {}, .state = State::Answered};
}

}  // namespace linekeeper::trunks
