#include "controller/journal/backlog.hpp"

#include <algorithm>
#include <utility>

namespace linekeeper::journal {

namespace {

std::size_t rank(const Pending& pending) { return static_cast<std::size_t>(severity(pending.event.id)); }

}  // namespace

std::vector<Pending> Backlog::add(Pending pending) {
  pending.order = next_order_++;
  auto& queue = by_severity_.at(rank(pending));
  queue.push_back(std::move(pending));
  ++size_;
  return shrink_to(capacity_);
}

std::deque<Pending> Backlog::take() {
  std::deque<Pending> all;
  for (auto& queue : by_severity_)
    for (auto& pending : std::exchange(queue, {})) all.push_back(std::move(pending));
  std::ranges::sort(all, {}, &Pending::order);
  size_ = 0;
  return all;
}

std::vector<Pending> Backlog::put_back(std::deque<Pending> unwritten) {
  size_ += unwritten.size();
  for (; !unwritten.empty(); unwritten.pop_back()) {
    auto& queue = by_severity_.at(rank(unwritten.back()));
    queue.push_front(std::move(unwritten.back()));
  }
  return shrink_to(capacity_);
}

std::vector<Pending> Backlog::drop_all() { return shrink_to(0); }

std::vector<Pending> Backlog::shrink_to(std::size_t capacity) {
  std::vector<Pending> gone;
  for (auto& queue : by_severity_) {
    for (; size_ > capacity && !queue.empty(); --size_, ++dropped_) {
      gone.push_back(std::move(queue.front()));
      queue.pop_front();
    }
  }
  return gone;
}

namespace {

// Never inside a UTF-8 sequence: 10xxxxxx are its second and later bytes.
void clip(std::string& text) {
  if (text.size() <= kLongestText) return;
  std::size_t end = kLongestText - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  text += "...";
}

}  // namespace

model::Event clipped(model::Event event) {
  clip(event.subject);
  clip(event.text);
  if (event.fields.size() > kMostFields) event.fields.resize(kMostFields);
  for (auto& [key, value] : event.fields) {
    clip(key);
    clip(value);
  }
  return event;
}

}  // namespace linekeeper::journal
