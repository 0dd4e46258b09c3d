#pragma once
// Whole SIP messages out of the bytes of a connection (RFC 3261 18.3): a message ends where its Content-Length says, and nothing else
// tells where. A stream whose framing is lost cannot be read on: the connection is given up.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "carriers/sip/message.hpp"

namespace linekeeper::sip {

/// Why a connection cannot be read on.
enum class Unframed : std::uint8_t {
  TooLarge,   ///< a header without an end, or a message over kLargestDatagram
  Malformed,  ///< the header's form is wrong (message_head.hpp)
  NoLength,   ///< no Content-Length, or several
  BadLength,  ///< no number
};

class StreamFramer {
 public:
  struct Frame {
    bool pong = false;    ///< an empty line between messages: the answer to a ping (RFC 5626 4.4.1)
    std::string message;  ///< whole; empty for a pong
  };
  /// @param bytes as they came; what does not fit any more is told by next()
  void add(std::string_view bytes);
  /// The next frame; nothing while it is not whole. After an error: the same error, for ever.
  [[nodiscard]] std::expected<std::optional<Frame>, Unframed> next();

 private:
  std::string buffer_;      // begins where a frame begins
  std::size_t looked_ = 0;  // in the buffer: there is no end of the header before it
  std::size_t size_ = 0;    // of the message at its begin, once its header is read
  std::optional<Unframed> broken_;
};

}  // namespace linekeeper::sip
