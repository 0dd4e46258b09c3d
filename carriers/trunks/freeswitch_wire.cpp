// An order is written in two commands, and read by two:
//   api strepoch                            FreeSWITCH's clock
//   api global_setvar lk_order=order|end    in force at once; the dialplan compares the end with ${strepoch()}
//   api strepoch, api global_getvar         read back
// Global variables are lost with a restart: then the static order holds until we have looked.
#include <cerrno>
#include <charconv>

#include "carriers/trunks/esl_conversation.hpp"
#include "carriers/trunks/stores.hpp"
#include "carriers/trunks/text_store.hpp"
#include "carriers/trunks/told_text.hpp"

namespace linekeeper::trunks {
namespace {

using model::Error;
using model::Result;

class GlobalVariables final : public TextStore {
 public:
  GlobalVariables(const boost::asio::any_io_executor& executor, const model::Pbx& pbx) : pbx_(pbx) {
    auto esl = std::make_unique<EslConversation>([file = pbx.secret_file] { return read_secret(file); });
    esl_ = esl.get();
    client_ = std::make_shared<StreamClient>(executor, pbx.address, pbx.port, pbx.reply_timeout, std::move(esl), "FreeSWITCH",
                                             "Is FreeSWITCH running, with mod_event_socket, listen-ip and listen-port so in event_socket.conf.xml?");
  }

  void time(OnTime on_time) override {
    call("strepoch", [on_time = std::move(on_time)](const Result<std::string>& text) {
      if (!text) return on_time(std::unexpected(text.error()));
      std::int64_t seconds = 0;
      const auto [end, wrong] = std::from_chars(text->data(), text->data() + text->size(), seconds);
      if (wrong != std::errc{} || end != text->data() + text->size() || seconds < 0)
        return on_time(std::unexpected(Error{"FreeSWITCH tells no time: '" + told(*text) + "'", "Load mod_dptools", EPROTO}));
      on_time(seconds);
    });
  }

  void put(const std::string& key, const std::string& text, OnStored on_stored) override {
    call("global_setvar " + variable(key) + "=" + text, [on_stored = std::move(on_stored)](const Result<std::string>& reply) {
      if (!reply) return on_stored(std::unexpected(reply.error()));
      if (!reply->starts_with("+OK")) return on_stored(std::unexpected(Error{"FreeSWITCH refuses: " + told(*reply), "Load mod_commands", EPROTO}));
      on_stored({});
    });
  }

  void get(const std::string& key, OnText on_text) override {
    call("global_getvar " + variable(key), [on_text = std::move(on_text)](Result<std::string> text) {
      if (!text) return on_text(std::unexpected(text.error()));
      on_text(text->empty() ? std::nullopt : std::optional(std::move(*text)));
    });
  }

  void stop() override { client_->stop(); }
  [[nodiscard]] std::string where(const std::string& key) const override { return "the variable " + variable(key) + " of PBX " + pbx_.name; }
  [[nodiscard]] std::string rival_remedy() const override { return "look for it in vars.xml and in scripts"; }

 private:
  [[nodiscard]] std::string variable(const std::string& key) const { return pbx_.store + key; }

  /// The text that a command answers with: "" where it has none.
  void call(const std::string& command, std::function<void(Result<std::string>)> done) {
    client_->call(EslConversation::ask(command), [this, done = std::move(done)](const Result<void>& answered) {
      if (!answered) return done(std::unexpected(answered.error()));
      const auto& answer = esl_->answer();
      if (answer.type != "api/response")
        return done(std::unexpected(Error{"FreeSWITCH refuses: " + told(answer.reply), "Allow api commands to this password", EPROTO}));
      const auto value = esl_value(answer);
      if (value && value->starts_with("-")) return done(std::unexpected(Error{"FreeSWITCH refuses: " + told(*value), "Load mod_commands", EPROTO}));
      done(std::string(value.value_or("")));
    });
  }

  const model::Pbx pbx_;
  EslConversation* esl_;                  // the client's
  std::shared_ptr<StreamClient> client_;  // shared with its pending handlers
};

}  // namespace

std::unique_ptr<Wire> make_freeswitch_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx) {
  return make_text_wire(std::make_unique<GlobalVariables>(executor, pbx), pbx.lease);
}

}  // namespace linekeeper::trunks
