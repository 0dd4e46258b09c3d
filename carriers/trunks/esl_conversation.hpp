#pragma once
// What is said with FreeSWITCH: its password when it asks for it, then one api command at a time, answered in order.
#include <string>

#include "carriers/trunks/esl_codec.hpp"
#include "carriers/trunks/secret_file.hpp"
#include "carriers/trunks/stream_client.hpp"

namespace linekeeper::trunks {

class EslConversation : public Conversation {
 public:
  explicit EslConversation(SecretSource password);

  /// The text of the next request: "api COMMAND".
  [[nodiscard]] static model::Result<std::string> ask(std::string_view command) { return esl_command("api " + std::string(command)); }
  [[nodiscard]] const EslMessage& answer() const { return answer_; }

  model::Result<Step> opened() override;
  model::Result<Step> heard(std::string_view bytes) override;

 private:
  model::Result<Step> opening(const EslMessage& message);

  SecretSource password_;
  bool ready_ = false;
  EslReader reader_;
  EslMessage answer_;
};

}  // namespace linekeeper::trunks
