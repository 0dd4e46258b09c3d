#pragma once
// One name asked of one resolver by one device, with c-ares: the resolver of a circuit is asked through that circuit and nowhere else,
// and what it says is told with its RCODE. Each resolver is asked by itself, so that it is known which of them answers.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/model/ip_address.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::probes {

struct DnsAnswer {
  enum class What : std::uint8_t {
    Answered,    ///< `rcode`, and with NoError `addresses`
    Silent,      ///< nothing within the time
    Refused,     ///< ICMP unreachable or RST: nobody listens there
    Garbled,     ///< bytes came that are no answer
    LocalError,  ///< our own side: `error`
  };
  What what = What::Silent;
  int rcode = 0;                            ///< RFC 1035 4.1.1: 0 no error, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
  int error = 0;                            ///< errno
  std::vector<model::IpAddress> addresses;  ///< of a question for A or AAAA
  std::vector<std::uint8_t> bytes{};        ///< of the reply, when Answered
  model::Duration took{};
};
inline constexpr int kTypeA = 1, kTypeAaaa = 28;  ///< RFC 1035 section 3.2.2, RFC 3596 section 2.1

/// What this host asks (resolv.conf(5)), as c-ares reads it.
[[nodiscard]] std::vector<model::IpAddress> system_resolvers();
[[nodiscard]] std::string rcode_words(int rcode);  ///< "NXDOMAIN", "SERVFAIL", ..., "RCODE 9"

class DnsQuery {
 public:
  using Done = std::function<void(const DnsAnswer& answer)>;

  /// Asks for the records of one type that `name` has. @param port 53, but in tests @param done called once from the loop
  DnsQuery(boost::asio::any_io_executor executor, std::string device, const model::IpAddress& resolver, std::uint16_t port, std::string name,
           model::Duration timeout, Done done, int type = kTypeA);
  ~DnsQuery();  ///< done is not called after this
  DnsQuery(const DnsQuery&) = delete;
  DnsQuery& operator=(const DnsQuery&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::probes
