// Any bytes in any pieces as a SIP stream: framed the same however they come, never more than one message held, and over for good once
// the framing is lost.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "carriers/sip/stream_framer.hpp"

using namespace linekeeper;

namespace {

struct Framed {
  std::vector<std::string> messages;
  int pongs = 0;
  bool lost = false;
  friend bool operator==(const Framed&, const Framed&) = default;
};

Framed framed(std::string_view bytes, std::size_t piece) {
  sip::StreamFramer framer;
  Framed out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    framer.add(bytes.substr(at, piece));
    for (;;) {
      auto frame = framer.next();
      if (!frame) {
        out.lost = true;
        if (framer.next()) std::abort();
        return out;
      }
      if (!*frame) break;
      if ((*frame)->pong)
        ++out.pongs;
      else
        out.messages.push_back((*frame)->message);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  const Framed whole = framed(bytes, bytes.size());
  for (const std::string& m : whole.messages)
    if (m.size() > sip::kLargestDatagram || !m.contains("\r\n\r\n")) std::abort();
  if (framed(bytes, 1) != whole || framed(bytes, 1 + static_cast<std::size_t>(data[0]) % 97) != whole) std::abort();
  return 0;
}
