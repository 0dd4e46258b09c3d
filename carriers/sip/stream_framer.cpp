#include "carriers/sip/stream_framer.hpp"

#include <charconv>

#include "carriers/sip/message_head.hpp"

namespace linekeeper::sip {
namespace {

constexpr std::string_view kEndOfHeader = "\r\n\r\n";

/// @param head with the empty line that ends it. @return bytes of head and body
std::expected<std::size_t, Unframed> size_of(std::string_view head) {
  const auto read = split_message(head);
  if (!read) return std::unexpected(read.error() == Malformed::TooLarge ? Unframed::TooLarge : Unframed::Malformed);
  const std::string* length = read->only("content-length");
  if (length == nullptr) return std::unexpected(Unframed::NoLength);
  std::size_t body = 0;
  const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), body);
  if (error == std::errc::result_out_of_range) return std::unexpected(Unframed::TooLarge);
  if (error != std::errc{} || end != length->data() + length->size()) return std::unexpected(Unframed::BadLength);
  if (body > kLargestDatagram - head.size()) return std::unexpected(Unframed::TooLarge);
  return head.size() + body;
}

}  // namespace

void StreamFramer::add(std::string_view bytes) {
  if (!broken_) buffer_ += bytes;
}

std::expected<std::optional<StreamFramer::Frame>, Unframed> StreamFramer::next() {
  const auto lose = [this](Unframed why) {
    broken_ = why;
    buffer_.clear();
    return std::unexpected(why);
  };
  if (broken_) return std::unexpected(*broken_);
  if (size_ == 0) {
    if (buffer_.starts_with("\r\n")) {
      buffer_.erase(0, 2);
      return Frame{.pong = true, .message = {}};
    }
    const auto end = buffer_.find(kEndOfHeader, looked_ < 3 ? 0 : looked_ - 3);
    if (end == std::string::npos ? buffer_.size() > kLargestDatagram : end + kEndOfHeader.size() > kLargestDatagram) return lose(Unframed::TooLarge);
    looked_ = buffer_.size();
    if (end == std::string::npos) return std::nullopt;
    const auto size = size_of(std::string_view(buffer_).substr(0, end + kEndOfHeader.size()));
    if (!size) return lose(size.error());
    size_ = *size;
  }
  if (buffer_.size() < size_) return std::nullopt;
  Frame frame{.pong = false, .message = buffer_.substr(0, size_)};
  buffer_.erase(0, size_);
  size_ = looked_ = 0;
  return frame;
}

}  // namespace linekeeper::sip
