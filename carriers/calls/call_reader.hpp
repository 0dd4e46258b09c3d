#pragma once
// The few fields of a SIP message that tell one call from another and how it went. Nothing else is looked at, nothing is allocated, and
// each byte is looked at a bounded number of times: a message that is mirrored to us was already dealt with by the PBX, and 500 calls a
// second are ten thousand of them. The strict reader for what is addressed to ourselves is carriers/sip. Pure.
#include <cstdint>
#include <optional>
#include <string_view>

namespace linekeeper::calls {

enum class Method : std::uint8_t { Invite, Ack, Cancel, Bye, Other };

/// Views into the message.
struct SipSeen {
  Method method = Method::Other;  ///< of the request, or of the CSeq of a response
  int status = 0;                 ///< 0: a request
  std::uint32_t cseq = 0;
  std::string_view call_id;
  std::string_view branch;            ///< of the top Via
  std::string_view from_tag, to_tag;  ///< to_tag is empty in the INVITE that begins a call
  std::optional<int> cause;           ///< of Reason: Q.850 (RFC 3326), where the response has one
};

inline constexpr std::size_t kMostHeaderLines = 256;    ///< a message with more is not read
inline constexpr std::size_t kLongestIdentifier = 512;  ///< likewise one whose Call-ID, branch or tag is longer

/// @return nothing when it is no SIP message, or lacks Call-ID, CSeq, a branch or a tag in From
[[nodiscard]] std::optional<SipSeen> read_sip(std::string_view message);

}  // namespace linekeeper::calls
