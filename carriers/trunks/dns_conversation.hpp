#pragma once
// One DNS message and its answer over a connection of their own, each behind its length (RFC 1035 4.2.2). Over TCP only: no answer is cut
// off, nothing is sent twice, nobody beside the way can slip in an answer. Servers close idle connections at any moment, so none is kept.
#include "carriers/trunks/stream_client.hpp"
#include "carriers/trunks/tsig.hpp"

namespace linekeeper::trunks {

class DnsConversation : public Conversation {
 public:
  /// The message behind its length.
  [[nodiscard]] static std::string ask(std::span<const std::uint8_t> message);
  [[nodiscard]] std::span<const std::uint8_t> answer() const { return answer_; }

  model::Result<Step> opened() override;
  model::Result<Step> heard(std::string_view bytes) override;
  [[nodiscard]] bool once() const override { return true; }

 private:
  Bytes unread_, answer_;
};

}  // namespace linekeeper::trunks
