// An order is written in two actions, and read by two:
//   Ping                                    Asterisk's clock
//   DBPut  linekeeper / key = order|end     in force at once; the dialplan compares the end with ${EPOCH}
//   Ping, DBGet                             read back
// AstDB outlives a restart of Asterisk, and so does the order with its end: nothing to correct after one.
#include <cerrno>

#include "carriers/trunks/ami_conversation.hpp"
#include "carriers/trunks/stores.hpp"
#include "carriers/trunks/text_store.hpp"
#include "carriers/trunks/unguessable.hpp"

namespace linekeeper::trunks {
namespace {

using model::Error;
using model::Result;

class AstDb final : public TextStore {
 public:
  AstDb(const boost::asio::any_io_executor& executor, const model::Pbx& pbx) : pbx_(pbx) {
    auto ami = std::make_unique<AmiConversation>(pbx.user, [file = pbx.secret_file] { return read_secret(file); }, unguessable_id() >> 32);
    ami_ = ami.get();
    client_ = std::make_shared<StreamClient>(
        executor, pbx.address, pbx.port, pbx.reply_timeout, std::move(ami), "Asterisk",
        "Is Asterisk running, with enabled = yes, port and bindaddr so in manager.conf? See carriers/trunks/asterisk/manager.conf");
  }

  void time(OnTime on_time) override {
    call(ami_->ask_time(), [this, on_time = std::move(on_time)](const Result<void>& done) {
      if (!done) return on_time(std::unexpected(done.error()));
      if (!ami_->answer().time) return on_time(std::unexpected(Error{"Asterisk's Ping tells no time", "Asterisk 13 and newer do", EPROTO}));
      on_time(*ami_->answer().time);
    });
  }

  void put(const std::string& key, const std::string& text, OnStored on_stored) override {
    call(ami_->ask_put(pbx_.store, key, text), std::move(on_stored));
  }

  void get(const std::string& key, OnText on_text) override {
    call(ami_->ask_get(pbx_.store, key), [this, on_text = std::move(on_text)](const Result<void>& done) {
      if (!done) return on_text(std::unexpected(done.error()));
      on_text(ami_->answer().value);
    });
  }

  void stop() override { client_->stop(); }
  [[nodiscard]] std::string where(const std::string& key) const override { return "AstDB " + pbx_.store + "/" + key + " of PBX " + pbx_.name; }
  [[nodiscard]] std::string rival_remedy() const override { return "look for DB(" + pbx_.store + "/ in the dialplan, and for other AMI users"; }

 private:
  void call(Result<std::string> request, StreamClient::Done done) {
    client_->call(std::move(request), [this, done = std::move(done)](Result<void> answered) {
      if (answered && ami_->answer().refused) answered = std::unexpected(*ami_->answer().refused);
      done(std::move(answered));
    });
  }

  const model::Pbx pbx_;
  AmiConversation* ami_;                  // the client's
  std::shared_ptr<StreamClient> client_;  // shared with its pending handlers
};

}  // namespace

std::unique_ptr<Wire> make_asterisk_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx) {
  return make_text_wire(std::make_unique<AstDb>(executor, pbx), pbx.lease);
}

}  // namespace linekeeper::trunks
