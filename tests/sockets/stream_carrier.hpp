#pragma once
// A SIP carrier over TCP or TLS in this process: it answers, freezes, resets, or shows bad certificates.
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <list>

#include "carriers/sip/stream_framer.hpp"
#include "tests/sockets/carrier_certificate.hpp"
#include "tests/sockets/namespace.hpp"

namespace linekeeper::tests {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

inline constexpr long kYear = 365L * 86400;

/// A folder of PEM files that goes with the test.
struct Files {
  std::string folder = "/tmp/lkt-tls-" + std::to_string(::getpid());
  Files() { REQUIRE(tests::run({"mkdir", "-p", folder}) == 0); }
  ~Files() { tests::run({"rm", "-rf", folder}); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  [[nodiscard]] std::string at(const std::string& name) const { return folder + "/" + name; }
};

/// What the carrier does with a connection.
enum class Does : std::uint8_t { Answer, Freeze, ResetOnRequest, NoLength };

/// @param more  header fields, each with its end of line
inline std::string reply(const std::string& request, const std::string& status, const std::string& more = "Content-Length: 0\r\n") {
  std::string out = "SIP/2.0 " + status + "\r\n";
  for (const auto* name : {"Via:", "From:", "To:", "Call-ID:", "CSeq:"}) {
    const auto line = request.find(std::string("\r\n") + name) + 2;
    out += request.substr(line, request.find("\r\n", line) + 2 - line);
  }
  return out + more + "\r\n";
}

class StreamCarrier {
 public:
  Does does = Does::Answer;
  bool want_certificate = false;
  bool hangs_up = false;  ///< once what it says now is out
  std::vector<std::string> heard;
  std::function<std::string(const std::string& request)> says;  ///< whole messages, or nothing; without it 200 to everything
  std::size_t accepted = 0;

  explicit StreamCarrier(asio::io_context& io, const char* address = "127.0.0.1") : io_(io), acceptor_(io) {
    const tcp::endpoint here(asio::ip::make_address(address), 0);
    acceptor_.open(here.protocol());
    acceptor_.bind(here);
    acceptor_.listen();
    accept();
  }
  ~StreamCarrier() {
    stop();
    io_.poll();
  }
  StreamCarrier(const StreamCarrier&) = delete;
  StreamCarrier& operator=(const StreamCarrier&) = delete;
  void stop() {
    error_code ignored;
    acceptor_.close(ignored);
    for (auto& s : sessions_) s->stream.next_layer().close(ignored);
  }
  void hold_no_more() {  // connections stay, new ones are refused
    error_code ignored;
    acceptor_.close(ignored);
  }
  void use(const std::string& certificate, const std::string& key, const std::string& clients_ca = {}) {
    tls_ = true;
    context_.use_certificate_chain_file(certificate);
    context_.use_private_key_file(key, asio::ssl::context::pem);
    if (clients_ca.empty()) return;
    context_.load_verify_file(clients_ca);
    context_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  struct Session {
    asio::ssl::stream<tcp::socket> stream;
    sip::StreamFramer framer;
    std::array<char, 4096> in{};
    Does does = Does::Answer;
  };

  void accept() {
    acceptor_.async_accept([this](error_code e, tcp::socket socket) {
      if (e) return;
      auto s = std::make_shared<Session>(Session{.stream = {std::move(socket), context_}, .framer = {}});
      ++accepted;
      s->does = does;
      sessions_.push_back(s);
      accept();
      if (s->does == Does::Freeze) return;
      if (!tls_) return read(s);
      s->stream.async_handshake(asio::ssl::stream_base::server, [this, s](error_code failed) {
        if (!failed)
          read(s);
        else
          s->stream.next_layer().close();
      });
    });
  }
  void read(const std::shared_ptr<Session>& s) {
    const auto more = [this, s](error_code e, std::size_t size) {
      if (e) return;
      s->framer.add({s->in.data(), size});
      for (auto frame = s->framer.next(); frame && *frame; frame = s->framer.next())
        if (!(*frame)->pong) answer(*s, (*frame)->message);
      if (s->stream.next_layer().is_open()) read(s);
    };
    if (tls_)
      s->stream.async_read_some(asio::buffer(s->in), more);
    else
      s->stream.next_layer().async_read_some(asio::buffer(s->in), more);
  }
  void answer(Session& s, const std::string& request) {
    heard.push_back(request);
    if (does == Does::Freeze) return;
    if (does == Does::ResetOnRequest) {
      const linger reset{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(s.stream.next_layer().native_handle(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      s.stream.next_layer().close();
      return;
    }
    const std::string out = says ? says(request) : reply(request, "200 OK", does == Does::NoLength ? "" : "Content-Length: 0\r\n");
    if (tls_)
      asio::write(s.stream, asio::buffer(out));
    else
      asio::write(s.stream.next_layer(), asio::buffer(out));
    if (hangs_up) s.stream.next_layer().close();
  }

  asio::io_context& io_;
  asio::ssl::context context_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_;
  std::list<std::shared_ptr<Session>> sessions_;
  bool tls_ = false;
};

/// An authority, and a carrier that shows a certificate of it.
struct Trust {
  Files files;
  Certificate authority{"Test Authority", "", kYear};
  void show(StreamCarrier& carrier, const std::string& alternatives, long valid_seconds, const std::string& clients_ca = {}) const {
    const Certificate shown("north", alternatives, valid_seconds, &authority);
    authority.write(files.at("ca.pem"));
    shown.write(files.at("north.pem"), files.at("north.key"));
    carrier.use(files.at("north.pem"), files.at("north.key"), clients_ca);
  }
};

}  // namespace linekeeper::tests
