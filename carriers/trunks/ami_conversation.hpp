#pragma once
// What is said with Asterisk: a login without events, then one action at a time. Needed of the user: write = system (DBPut, DBGet);
// never originate, config or command, which could run programs there (CVE-2024-42365).
#include <optional>
#include <string>

#include "carriers/trunks/ami_codec.hpp"
#include "carriers/trunks/secret_file.hpp"
#include "carriers/trunks/stream_client.hpp"

namespace linekeeper::trunks {

class AmiConversation : public Conversation {
 public:
  struct Answer {
    std::optional<model::Error> refused{};  ///< Asterisk said no, and why
    std::optional<std::string> value{};     ///< of a get: nothing when there is no such entry
    std::optional<std::int64_t> time{};     ///< of a ping: Asterisk's clock, seconds since 1970
  };

  /// @param first_id  of the first action; later ones count up. Not guessable: a late answer to a former life must not fit
  AmiConversation(std::string user, SecretSource secret, std::uint64_t first_id);

  /// The text of the next request, whose answer is then waited for.
  [[nodiscard]] model::Result<std::string> ask_put(std::string_view family, std::string_view key, std::string_view value);
  [[nodiscard]] model::Result<std::string> ask_get(std::string_view family, std::string_view key);
  [[nodiscard]] model::Result<std::string> ask_time();
  [[nodiscard]] const Answer& answer() const { return answer_; }

  model::Result<Step> opened() override;
  model::Result<Step> heard(std::string_view bytes) override;

 private:
  enum class Asked : std::uint8_t { Nothing, Put, Get, Time };
  model::Result<std::string> ask(Asked what, std::string_view action, std::span<const AmiField> fields);
  model::Result<bool> logged_in(const AmiMessage& message);
  bool answered_by(const AmiMessage& message);

  std::string user_;
  SecretSource secret_;
  std::uint64_t id_;
  std::uint64_t login_ = 0;
  Asked asked_ = Asked::Nothing;
  bool ready_ = false;
  AmiReader reader_;
  Answer answer_;
};

}  // namespace linekeeper::trunks
