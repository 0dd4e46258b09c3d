#pragma once
// One GET of one page by one device (Boost.Beast, OpenSSL): what came back, told and not followed. The server's certificate is held against
// the host of the URL; one that does not prove it is a fact of its own, for a captive portal in front of https looks just so.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "controller/model/error.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::probes {

/// "https://host:8443/path?query" taken apart.
struct Page {
  bool tls = false;
  std::string host;
  std::uint16_t port = 80;
  std::string target = "/";
};
/// @return nothing when it is not an absolute http or https URL with a host
[[nodiscard]] std::optional<Page> parse_page(const std::string& url);

struct HttpAnswer {
  enum class What : std::uint8_t {
    Answered,    ///< `status`, `location`, `body`
    Unproven,    ///< https: the certificate does not prove the host: `words`
    NotHttp,     ///< somebody answers, and it is neither TLS nor HTTP: `words`
    Silent,      ///< no connection, or no answer on it, within the time
    Refused,     ///< RST or ICMP unreachable: `error`
    LocalError,  ///< our own side: `error`
  };
  What what = What::Silent;
  int status = 0;
  std::string location;  ///< of a redirection
  std::string body;      ///< its first 64 KiB
  int error = 0;         ///< errno
  std::string words;
  std::optional<model::WallTime> certificate_ends;
  model::Duration took{};
};

class HttpGet {
 public:
  using Done = std::function<void(HttpAnswer answer)>;

  /// @param device   empty: as the routes say
  /// @param address  of the host
  /// @param ca_file  PEM; empty: what the system trusts
  /// @param done     called once from the loop
  HttpGet(boost::asio::any_io_executor executor, std::string device, Page page, const model::IpAddress& address, const std::string& ca_file,
          model::Duration timeout, Done done);
  ~HttpGet();  ///< done is not called after this
  HttpGet(const HttpGet&) = delete;
  HttpGet& operator=(const HttpGet&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::probes
