#include "probes/checks/http_get.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <cerrno>
#include <ctime>
#include <utility>

#include "controller/runtime/clock.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using What = HttpAnswer::What;

namespace {

constexpr std::size_t kMostBody = 64 * 1024;
constexpr std::uint32_t kMostHeader = 16 * 1024;

/// RST, ICMP unreachable: the other side, or somebody on the way, said no. Anything else at a connect is our own side.
bool said_no(const error_code& e) {
  return e == asio::error::connection_refused || e == asio::error::connection_reset || e == asio::error::host_unreachable ||
         e == asio::error::connection_aborted || e == asio::error::broken_pipe;
}

std::optional<model::WallTime> end_of(const X509* certificate) {
  std::tm parts{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return std::nullopt;
  return model::WallTime(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

std::optional<Page> parse_page(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->host().empty() || (parsed->scheme() != "http" && parsed->scheme() != "https")) return std::nullopt;
  Page page{.tls = parsed->scheme() == "https", .host = parsed->host_address()};
  page.port = parsed->has_port() ? parsed->port_number() : page.tls ? 443 : 80;
  if (page.port == 0) return std::nullopt;
  const std::string target(parsed->encoded_target());
  page.target = target.empty() || target.front() != '/' ? "/" + target : target;
  return page;
}

struct HttpGet::Impl : std::enable_shared_from_this<HttpGet::Impl> {
  Impl(asio::any_io_executor e, std::string d, Page p, Done tell)
      : executor(e),
        device(std::move(d)),
        page(std::move(p)),
        context(asio::ssl::context::tls_client),
        stream(e, context),
        deadline(e),
        begun(runtime::boot_now()),
        done(std::move(tell)) {}

  void start(const model::IpAddress& address, const std::string& ca_file, model::Duration timeout) {
    deadline.expires_after(timeout);
    deadline.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->end({.what = What::Silent, .words = self->stage});
    });
    if (page.tls && !prepare_tls(ca_file)) return;
    error_code error;
    const auto& a = address;
    asio::ip::tcp::endpoint to;
    if (a.family == model::Family::V4) {
      asio::ip::address_v4::bytes_type bytes{};
      std::copy_n(a.bytes.begin(), 4, bytes.begin());
      to = {asio::ip::address_v4(bytes), page.port};
    } else {
      to = {asio::ip::address_v6(a.bytes), page.port};
    }
    socket().open(to.protocol(), error);
    if (error) return local(error.value(), "cannot open a socket");
    if (!device.empty() &&
        ::setsockopt(socket().native_handle(), SOL_SOCKET, SO_BINDTODEVICE, device.c_str(), static_cast<socklen_t>(device.size())) != 0)
      return local(errno, "cannot bind a socket to the device " + device);
    stage = "no connection";
    socket().async_connect(to, [self = shared_from_this()](error_code failed) { self->connected(failed); });
  }

  bool prepare_tls(const std::string& ca_file) {
    error_code error;
    if (ca_file.empty())
      context.set_default_verify_paths(error);
    else
      context.load_verify_file(ca_file, error);
    if (error) {
      local(EINVAL, fmt::format("cannot read trusted certificates{}{}: {}", ca_file.empty() ? "" : " in ", ca_file, error.message()));
      return false;
    }
    stream.set_verify_mode(asio::ssl::verify_peer, error);
    // The certificate is looked at whatever it proves, then held against the host (RFC 9110 4.3.4): OpenSSL's own check, with its words for what is
    // wrong.
    SSL_set_hostflags(stream.native_handle(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool numeric = model::IpAddress::parse(page.host).has_value();
    X509_VERIFY_PARAM* wanted = SSL_get0_param(stream.native_handle());
    const int set = numeric ? X509_VERIFY_PARAM_set1_ip_asc(wanted, page.host.c_str()) : X509_VERIFY_PARAM_set1_host(wanted, page.host.c_str(), 0);
    if (set != 1 || (!numeric && SSL_set_tlsext_host_name(stream.native_handle(), page.host.c_str()) != 1)) {
      local(EINVAL, "cannot ask for a certificate of " + page.host);
      return false;
    }
    stream.set_verify_callback(
        [this](bool good, asio::ssl::verify_context& verify) {
          X509_STORE_CTX* at = verify.native_handle();
          if (X509_STORE_CTX_get_error_depth(at) == 0) certificate_ends = end_of(X509_STORE_CTX_get_current_cert(at));
          return good;
        },
        error);
    return true;
  }

  asio::ip::tcp::socket& socket() { return stream.next_layer(); }

  void connected(error_code error) {
    if (!done) return;
    if (error) return broken(error, "cannot connect", true);
    if (!page.tls) return ask(socket());
    stage = "connected, and TLS is not answered";
    stream.async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](error_code failed) {
      if (!self->done) return;
      const long verified = SSL_get_verify_result(self->stream.native_handle());
      if (failed && verified != X509_V_OK) return self->end({.what = What::Unproven, .words = X509_verify_cert_error_string(verified)});
      if (failed) return self->broken(failed, "TLS", false);
      self->ask(self->stream);
    });
  }

  template <class Stream>
  void ask(Stream& to) {
    stage = "connected, and the request is not answered";
    request.method(http::verb::get);
    request.target(page.target);
    request.version(11);
    const bool usual = page.port == (page.tls ? 443 : 80);
    const std::string host = page.host.contains(':') ? fmt::format("[{}]", page.host) : page.host;  // RFC 3986 section 3.2.2
    request.set(http::field::host, usual ? host : fmt::format("{}:{}", host, page.port));
    request.set(http::field::user_agent, "linekeeper");
    request.set(http::field::cache_control, "no-cache");
    request.set(http::field::connection, "close");
    parser.header_limit(kMostHeader);
    parser.body_limit(boost::none);  // what is beyond kMostBody is not read, and is no error
    http::async_write(to, request, [self = shared_from_this(), &to](error_code failed, std::size_t) {
      if (!self->done) return;
      if (failed) return self->broken(failed, "cannot send the request", false);
      http::async_read_header(to, self->buffer, self->parser, [self, &to](error_code unread, std::size_t) {
        if (!self->done) return;
        if (unread) return self->broken(unread, "no HTTP answer", false);
        self->read_body(to);
      });
    });
  }

  template <class Stream>
  void read_body(Stream& from) {
    if (parser.is_done() || parser.get().body().size() >= kMostBody) return answered();
    http::async_read_some(from, buffer, parser, [self = shared_from_this(), &from](error_code failed, std::size_t) {
      if (!self->done) return;
      // A server that hangs up without a length has said all; and one that hangs up too soon has said what it has.
      if (failed) return self->answered();
      self->read_body(from);
    });
  }

  void answered() {
    HttpAnswer answer{.what = What::Answered, .status = static_cast<int>(parser.get().result_int())};
    answer.location = std::string(parser.get()[http::field::location]);
    answer.body = parser.get().body().substr(0, kMostBody);
    end(std::move(answer));
  }

  void broken(const error_code& error, std::string_view what, bool connecting) {
    if (said_no(error)) return end({.what = What::Refused, .error = error.value(), .words = error.message()});
    if (error == asio::error::timed_out) return end({.what = What::Silent, .words = stage});
    if (connecting) return local(error.value(), std::string(what));
    end({.what = What::NotHttp, .words = fmt::format("{}: {}", what, error.message())});
  }

  void local(int error, const std::string& words) { end({.what = What::LocalError, .error = error, .words = words}); }

  void end(HttpAnswer answer) {
    if (!done) return;
    answer.took = runtime::boot_now() - begun;
    answer.certificate_ends = certificate_ends;
    close();
    // Posted: it may have ended from within the constructor, and whoever is told may let go of this.
    asio::post(executor, [self = shared_from_this(), tell = std::exchange(done, nullptr), answer = std::move(answer)]() mutable {
      if (!self->stopped) tell(std::move(answer));
    });
  }

  void close() {
    deadline.cancel();
    error_code ignored;
    socket().close(ignored);
  }

  asio::any_io_executor executor;
  std::string device;
  Page page;
  asio::ssl::context context;
  asio::ssl::stream<asio::ip::tcp::socket> stream;  // its lower layer alone where there is no TLS
  asio::steady_timer deadline;
  model::Instant begun;
  Done done;
  bool stopped = false;
  std::string stage = "not begun";
  std::optional<model::WallTime> certificate_ends;
  http::request<http::empty_body> request;
  http::response_parser<http::string_body> parser;
  beast::flat_buffer buffer{kMostHeader + kMostBody};
};

HttpGet::HttpGet(asio::any_io_executor executor, std::string device, Page page, const model::IpAddress& address, const std::string& ca_file,
                 model::Duration timeout, Done done)
    : impl_(std::make_shared<Impl>(executor, std::move(device), std::move(page), std::move(done))) {
  impl_->start(address, ca_file, timeout);
}

HttpGet::~HttpGet() {
  impl_->stopped = true;
  impl_->done = nullptr;
  impl_->close();
}

}  // namespace linekeeper::probes
