#include "controller/admin/stream_queue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/admin/wire.hpp"
#include "controller/model/assert.hpp"

namespace linekeeper::admin {

StreamQueue::StreamQueue(std::size_t messages_max, std::size_t bytes_max) : messages_max_(messages_max), bytes_max_(bytes_max) {
  LK_ASSERT(messages_max >= 1);
}

void StreamQueue::push(std::string_view id, std::string_view event, std::string_view data) {
  Message message{.state = id.empty() ? std::string(event) : std::string(), .text = serialize_event(id, event, data)};
  if (!message.state.empty()) {
    const auto old = std::ranges::find(waiting_, message.state, &Message::state);
    if (old != waiting_.end()) {
      bytes_ -= old->text.size();
      waiting_.erase(old);
    }
  }
  append(std::move(message));
}

void StreamQueue::push_comment(std::string_view text) {
  if (empty()) append(Message{.state = {}, .text = fmt::format(": {}\n\n", text)});
}

void StreamQueue::append(Message message) {
  bytes_ += message.text.size();
  waiting_.push_back(std::move(message));
  while (waiting_.size() > 1 && (waiting_.size() > messages_max_ || bytes_ > bytes_max_)) {
    bytes_ -= waiting_.front().text.size();
    waiting_.pop_front();
    ++lost_;
    ++lost_total_;
  }
}

std::string StreamQueue::take(std::size_t bytes) {
  std::string out;
  if (lost_ > 0) {
    out = fmt::format(": {} messages were dropped, the reader is slower than the events\n\n", lost_);
    lost_ = 0;
  }
  bool first = true;
  while (!waiting_.empty() && (first || out.size() + waiting_.front().text.size() <= bytes)) {
    first = false;
    bytes_ -= waiting_.front().text.size();
    out += waiting_.front().text;
    waiting_.pop_front();
  }
  return out;
}

}  // namespace linekeeper::admin
