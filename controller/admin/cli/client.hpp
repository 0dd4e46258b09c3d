#pragma once
// HTTP over the daemon's Unix socket, blocking, with a deadline on everything. Bounded: an answer has at most 64 MiB.
#include <chrono>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controller/admin/cli/sse_reader.hpp"

namespace linekeeper::admin::cli {

/// The daemon cannot be asked (exit 3): which socket, why, what to do.
struct Unreachable {
  std::string what;
  std::string remedy;
};

struct Reply {
  int status = 0;
  std::string body;
};

/// Ends what waits, as Ctrl-C does: set by a signal handler or a test, read between two waits of at most 200 ms.
using Stopped = std::function<bool()>;

/// Between two attempts to connect again.
void pause(std::chrono::milliseconds time, const Stopped& stopped);

/// One request, one answer.
/// @param target percent-encoded  @param body sent when not empty or when `method` is POST
std::expected<Reply, Unreachable> exchange(const std::string& socket, std::string_view method, std::string_view target, std::string_view body,
                                           std::chrono::milliseconds timeout);

/// A subscription to server-sent events.
class LiveStream {
 public:
  enum class Outcome : std::uint8_t { Message, Quiet, Ended, Stopped };

  /// Connects and reads the head. An answer that is no stream is given as a Reply through `refused`.
  static std::expected<LiveStream, Unreachable> open(const std::string& socket, const std::string& target, std::optional<Reply>& refused);
  ~LiveStream();
  LiveStream(LiveStream&& other) noexcept;
  LiveStream& operator=(LiveStream&&) = delete;
  LiveStream(const LiveStream&) = delete;
  LiveStream& operator=(const LiveStream&) = delete;

  /// Waits for the next message: Quiet after `patience` without one.
  Outcome next(SseMessage& message, std::chrono::milliseconds patience, const Stopped& stopped);

 private:
  explicit LiveStream(int fd) : fd_(fd) {}
  int fd_;
  SseReader reader_;
};

}  // namespace linekeeper::admin::cli
