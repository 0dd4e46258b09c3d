#include "controller/admin/cli/sse_reader.hpp"

#include <utility>

namespace linekeeper::admin::cli {

bool SseReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    partial_ += bytes.substr(0, end);
    if (partial_.size() + building_.data.size() > kMessageMax) return false;
    if (end == std::string_view::npos) return true;
    bytes.remove_prefix(end + 1);
    if (partial_.ends_with('\r')) partial_.pop_back();
    line(partial_);
    partial_.clear();
  }
  return true;
}

void SseReader::line(std::string_view text) {
  if (text.empty()) {
    if (!building_.data.empty()) {
      building_.data.pop_back();  // the line break behind the last data line
      ready_.push_back(std::move(building_));
    }
    building_ = {};
    return;
  }
  const auto colon = text.find(':');
  if (colon == 0) return;  // a comment
  const std::string_view name = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "id") building_.id = value;
  if (name == "event") building_.event = value;
  if (name == "data") (building_.data += value) += '\n';
}

std::optional<SseMessage> SseReader::take() {
  if (ready_.empty()) return std::nullopt;
  SseMessage message = std::move(ready_.front());
  ready_.pop_front();
  return message;
}

}  // namespace linekeeper::admin::cli
