// FreeSWITCH and OpenSIPS are in no Debian suite: these peers are written from their documentation and sources, and strict. They hold the
// drivers to the contract; they are no proof that the real ones agree.
#include <doctest/doctest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <map>

#include "carriers/trunks/leased_order.hpp"
#include "tests/support/driver_contract.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using trunks::Order;

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

std::int64_t now_s() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// What both have in common: texts under names.
class TextPeer : public tests::Peer {
 public:
  std::optional<Order> holds(const std::string& key) override {
    const auto found = texts.find("lk_" + key);
    const auto order = found == texts.end() ? std::nullopt : trunks::parse_leased(found->second);
    return order && order->ends > now_s() ? std::optional(order->ways) : std::nullopt;
  }
  void change(const std::string& key, const Order& order) override { texts["lk_" + key] = *trunks::encode_leased({order, now_s() + 3}); }
  void lose_everything() override { texts.clear(); }
  void hang(bool hangs) override { hanging = hangs; }
  Order ways() override { return {"north-fiber", "south-fiber", "north-coax", "south_coax.2"}; }
  std::optional<std::chrono::milliseconds> lease() override { return 4s; }

  std::map<std::string, std::string> texts;
  bool hanging = false;

 protected:
  model::Pbx quick(model::PbxDriver driver) const {
    model::Pbx pbx;
    pbx.name = "pbx";
    pbx.driver = driver;
    pbx.lease = 4s;
    pbx.refresh = 1s;
    pbx.reply_timeout = 200ms;
    return pbx;
  }
  tests::TempDir dir;
};

class FakeFreeswitch final : public TextPeer {
 public:
  std::unique_ptr<trunks::Driver> driver(const asio::any_io_executor& executor, trunks::Driver::OnReport on_report, trunks::Pace pace) override {
    sessions_.clear();
    listener_.emplace(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    accept();
    std::ofstream(dir / "secret") << "ClueCon\n";
    std::filesystem::permissions(dir / "secret", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    auto pbx = quick(model::PbxDriver::Freeswitch);
    pbx.address = *model::IpAddress::parse("127.0.0.1");
    pbx.port = listener_->local_endpoint().port();
    pbx.secret_file = dir / "secret";
    pbx.store = "lk_";
    return trunks::make_driver(executor, pbx, dir.path.string(), std::move(on_report), pace);
  }

 private:
  struct Session {
    explicit Session(tcp::socket s) : socket(std::move(s)) {}
    tcp::socket socket;
    std::string unread;
    std::array<char, 512> buffer{};
    bool authorised = false;
  };
  void accept() {
    listener_->async_accept([this](const boost::system::error_code& wrong, tcp::socket socket) {
      if (wrong) return;
      auto session = std::make_shared<Session>(std::move(socket));
      sessions_.push_back(session);
      say(*session, "Content-Type: auth/request\n\n");
      listen(session);
      accept();
    });
  }
  void say(Session& session, const std::string& text) {
    boost::system::error_code ignored;
    if (!hanging) asio::write(session.socket, asio::buffer(text), ignored);
  }
  void listen(const std::shared_ptr<Session>& session) {
    session->socket.async_read_some(asio::buffer(session->buffer), [this, session](const boost::system::error_code& wrong, std::size_t size) {
      if (wrong) return;
      session->unread.append(session->buffer.data(), size);
      for (auto end = session->unread.find("\n\n"); end != std::string::npos; end = session->unread.find("\n\n")) {
        const auto command = session->unread.substr(0, end);
        session->unread.erase(0, end + 2);
        answer(*session, command);
      }
      listen(session);
    });
  }
  void answer(Session& session, const std::string& command) {
    if (!session.authorised) {
      session.authorised = command == "auth ClueCon";
      return say(session, session.authorised ? "Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
                                             : "Content-Type: command/reply\nReply-Text: -ERR invalid\n\n");
    }
    if (!command.starts_with("api ")) return say(session, "Content-Type: command/reply\nReply-Text: -ERR command not found\n\n");
    const auto text = run(command.substr(4));
    say(session, "Content-Type: api/response\nContent-Length: " + std::to_string(text.size()) + "\n\n" + text);
  }
  std::string run(const std::string& command) {
    if (command == "strepoch") return std::to_string(now_s());
    if (const std::string set = "global_setvar "; command.starts_with(set)) {
      const auto equals = command.find('=');
      if (equals == std::string::npos) return "-USAGE: <var> <value>\n";
      texts[command.substr(set.size(), equals - set.size())] = command.substr(equals + 1);
      return "+OK";
    }
    if (const std::string get = "global_getvar "; command.starts_with(get)) {
      const auto found = texts.find(command.substr(get.size()));
      return found == texts.end() ? "-ERR no reply\n" : found->second;
    }
    return "-ERR " + command + " Command not found!\n";
  }

  std::optional<tcp::acceptor> listener_;
  std::vector<std::shared_ptr<Session>> sessions_;
};

class FakeOpensips final : public TextPeer {
 public:
  using Protocol = asio::local::datagram_protocol;
  std::unique_ptr<trunks::Driver> driver(const asio::any_io_executor& executor, trunks::Driver::OnReport on_report, trunks::Pace pace) override {
    socket_.reset();
    ::unlink((dir / "mi.sock").c_str());
    socket_.emplace(executor, Protocol::endpoint(dir / "mi.sock"));
    receive();
    auto pbx = quick(model::PbxDriver::Opensips);
    pbx.rpc_socket = dir / "mi.sock";
    pbx.store = "local";
    return trunks::make_driver(executor, pbx, dir.path.string(), std::move(on_report), pace);
  }

 private:
  void receive() {
    socket_->async_receive_from(asio::buffer(buffer_), sender_, [this](const boost::system::error_code& wrong, std::size_t size) {
      if (wrong) return;
      const auto text = json::serialize(answer(json::parse(json::string_view(buffer_.data(), size)).as_object()));
      boost::system::error_code ignored;
      if (!hanging) socket_->send_to(asio::buffer(text), sender_, 0, ignored);
      receive();
    });
  }
  json::object answer(const json::object& question) {
    json::object reply{{"jsonrpc", "2.0"}, {"id", question.at("id")}};
    const auto& given = question.at("params").as_array();
    const auto refuse = [&](int code, const char* why) { reply["error"] = json::object{{"code", code}, {"message", why}}; };
    const auto name = [&] { return std::string(given[1].as_string()); };
    if (question.at("method") == "cache_store" && given.size() == 4 && given[0] == "local" && given[3].is_int64() && given[3].as_int64() > 0) {
      texts[name()] = std::string(given[2].as_string());
      reply["result"] = "OK";
    } else if (question.at("method") == "cache_fetch" && given.size() == 2 && given[0] == "local") {
      if (const auto found = texts.find(name()); found != texts.end())
        reply["result"] = json::object{{"key", name()}, {"value", found->second}};
      else
        refuse(400, "Value not found");
    } else {
      refuse(-32602, "Invalid params");
    }
    return reply;
  }

  std::optional<Protocol::socket> socket_;
  Protocol::endpoint sender_;
  std::array<char, 4096> buffer_{};
};

}  // namespace

TEST_CASE("contract: FreeSWITCH by ESL, with a peer written from its documentation") {
  FakeFreeswitch peer;
  tests::hold_to_contract(peer);
}

TEST_CASE("contract: OpenSIPS by MI, with a peer written from its sources") {
  FakeOpensips peer;
  tests::hold_to_contract(peer);
}
