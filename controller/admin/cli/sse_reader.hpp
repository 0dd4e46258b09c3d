#pragma once
// Server-sent events from bytes (WHATWG HTML 9.2.6), for what the daemon writes: LF or CRLF lines. Pure.
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace linekeeper::admin::cli {

struct SseMessage {
  std::string id;
  std::string event;
  std::string data;
};

class SseReader {
 public:
  static constexpr std::size_t kMessageMax = std::size_t{64} * 1024 * 1024;

  /// @return false when a message exceeds kMessageMax: the stream is of no use any more
  bool feed(std::string_view bytes);
  std::optional<SseMessage> take();

 private:
  void line(std::string_view text);
  std::string partial_;  ///< a line without its end
  SseMessage building_;
  std::deque<SseMessage> ready_;
};

}  // namespace linekeeper::admin::cli
