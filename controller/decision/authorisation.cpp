#include "controller/decision/authorisation.hpp"

#include <utility>

namespace linekeeper::decision {

using model::IpAddress;
using model::ReplyClass;

bool Authorisation::moved(const From& now) const {
  const auto differ = [](const std::optional<IpAddress>& a, const std::optional<IpAddress>& b) { return a && b && *a != *b; };
  return served_ && (differ(served_->local, now.local) || differ(served_->seen, now.seen));
}

Authorisation::News Authorisation::become(State next) {
  if (std::exchange(state_, next) == next) return News::None;
  switch (next) {
    case State::Refused: return News::CredentialsRefused;
    case State::Forbidden: return News::ForbiddenSinceChange;
    case State::Served: return News::Authorised;
    case State::Unknown:
    case State::Denied: return News::None;
  }
  return News::None;
}

Authorisation::News Authorisation::on(model::SipOutcome& outcome, const std::optional<IpAddress>& local) {
  if (outcome.result != model::SipResult::Final || outcome.authorisation == model::SipAuthorisation::Challenged) return News::None;
  const From from{.local = local, .seen = outcome.received_address};
  if (outcome.authorisation == model::SipAuthorisation::Refused) {
    outcome.reply = ReplyClass::Degraded;
    return become(State::Refused);
  }
  if (outcome.code == 403) {
    // Once begun so it stays so, until the carrier says something else, or we have the address again that it served.
    const bool since_change = state_ == State::Forbidden ? !served_ || moved(from) : moved(from);
    if (since_change) outcome.reply = ReplyClass::Down;
    return become(since_change ? State::Forbidden : State::Denied);
  }
  const bool served = outcome.code < 300 || outcome.authorisation == model::SipAuthorisation::Accepted;
  if (!served) {  // 404, 486, 503: says nothing of who we are, but that it forbids is over
    if (state_ == State::Forbidden || state_ == State::Denied) state_ = State::Unknown;
    return News::None;
  }
  served_ = from;
  const bool news = state_ == State::Refused || state_ == State::Forbidden;
  const News told = become(State::Served);
  return news ? told : News::None;
}

bool Authorisation::sees(const model::SipOutcome& outcome, const std::optional<model::Prefix>& expected) {
  if (outcome.result != model::SipResult::Final || !outcome.received_address) return false;
  const bool new_address = seen_from_ != outcome.received_address;
  seen_from_ = outcome.received_address;
  const bool before = std::exchange(elsewhere_, expected && !expected->contains(*seen_from_));
  return elsewhere_ && (!before || new_address);
}

model::Layer Authorisation::layer() const {
  switch (state_) {
    case State::Unknown: return model::Layer::Unknown;
    case State::Served: return model::Layer::Yes;
    case State::Refused:
    case State::Forbidden: return model::Layer::No;
    case State::Denied: return model::Layer::Unknown;  // an address not on a list, or OPTIONS alone: calls will tell
  }
  return model::Layer::Unknown;
}

std::string Authorisation::to_text() const {
  if (!served_) return {};
  const auto words = [](const std::optional<IpAddress>& a) { return a ? a->to_string() : std::string("-"); };
  return words(served_->local) + "/" + words(served_->seen);
}

bool Authorisation::recall(std::string_view text) {
  if (text.empty()) return true;
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  From read;
  const auto take = [](std::string_view word, std::optional<IpAddress>& out) {
    if (word == "-") return true;
    out = IpAddress::parse(word);
    return out.has_value();
  };
  if (!take(text.substr(0, slash), read.local) || !take(text.substr(slash + 1), read.seen)) return false;
  served_ = read;
  return true;
}

}  // namespace linekeeper::decision
