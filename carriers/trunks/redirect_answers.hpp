#pragma once
// What an SBC without an API is told, and how: OPTIONS to a virtual port of each way are answered by 200 or 503, INVITEs to a redirecting
// port by 302 with the ways in our order (RFC 3261 8.3, 21.3.3). Pure: requests in, replies out. Nothing is remembered of a request: the
// same bytes get the same answer, so a retransmission is answered alike, and an ACK is the end of it.
//
// Which ports say 200: an SBC tries its trunks in an order of its own. To have it use our best, every way that it would try before that says
// 503; the best says 200, and so does every way behind it that takes calls, so that the SBC has where to go in the moment before we know.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "carriers/sip/request_reader.hpp"
#include "carriers/trunks/driver.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::trunks {

class RedirectAnswers {
 public:
  /// @param ways  in the order in which the SBC tries them by itself
  /// @param key   of the tags of our answers
  RedirectAnswers(std::vector<model::ResponderWay> ways, runtime::HashKey key);

  /// @param order   every way, best first; before the first of these each way is answered 200, and calls are redirected in the SBC's order
  /// @param usable  so many of them take calls: those at the front
  void set(const Order& order, std::size_t usable);

  /// Of the OPTIONS and whatever else comes to the port of way `way`. Nothing: no answer (an ACK).
  [[nodiscard]] std::optional<sip::Reply> at_way(std::size_t way, const sip::Incoming& request) const;
  /// To the redirecting port.
  [[nodiscard]] std::optional<sip::Reply> at_redirect(const sip::Incoming& request) const;
  /// Whether the port of that way says 200.
  [[nodiscard]] bool willing(std::size_t way) const { return willing_.at(way); }

 private:
  [[nodiscard]] std::optional<sip::Reply> common(const sip::Incoming& request) const;
  [[nodiscard]] std::string tag(const sip::Request& request) const;

  std::vector<model::ResponderWay> ways_;
  runtime::HashKey key_;
  std::vector<std::size_t> order_;  // positions in ways_, best first
  std::vector<bool> willing_;
};

/// The user part of a Request-URI, with what it has for a password; empty: none. "tel:+441632960000;x=y" has "+441632960000".
[[nodiscard]] std::string user_of(std::string_view uri);

}  // namespace linekeeper::trunks
