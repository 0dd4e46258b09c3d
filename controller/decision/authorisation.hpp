#pragma once
// Does this carrier know us on this path? Three things speak of it, and none of them is liveness:
//
//  - a challenge that our credentials answered, or did not (they are wrong: a mistake of the configuration, never the carrier's failure);
//  - a 403 after service: from the address that was served it is a refusal to look into; if our address was another when the carrier last
//    served us, the change of address is what it forbids, and then it takes no calls from here;
//  - the address it saw us come from, against the one that the circuit should have.
#include <optional>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

class Authorisation {
 public:
  enum class News : std::uint8_t { None, CredentialsRefused, ForbiddenSinceChange, Authorised };

  /// Reads a final response, and says in it what that means for the path (`reply`): a 403 since a change of address is Down, refused
  /// credentials are Degraded.
  /// @param local  our address on the circuit; nothing: not known
  /// @return what has become otherwise
  News on(model::SipOutcome& outcome, const std::optional<model::IpAddress>& local);
  /// @return true: the carrier sees us come from elsewhere than `expected`, and has not seen us come from there before
  bool sees(const model::SipOutcome& outcome, const std::optional<model::Prefix>& expected);

  [[nodiscard]] model::Layer layer() const;
  [[nodiscard]] bool credentials_refused() const { return state_ == State::Refused; }
  [[nodiscard]] bool forbidden_since_change() const { return state_ == State::Forbidden; }
  [[nodiscard]] const std::optional<model::IpAddress>& seen_from() const { return seen_from_; }
  [[nodiscard]] bool from_elsewhere() const { return elsewhere_; }

  /// The addresses from which the carrier last served us: "local/seen", "-" for one that is not known; empty when it never did.
  [[nodiscard]] std::string to_text() const;
  bool recall(std::string_view text);

 private:
  enum class State : std::uint8_t { Unknown, Served, Refused, Forbidden, Denied };
  struct From {
    std::optional<model::IpAddress> local, seen;
  };
  [[nodiscard]] bool moved(const From& now) const;
  News become(State next);

  State state_ = State::Unknown;
  std::optional<From> served_;
  std::optional<model::IpAddress> seen_from_;
  bool elsewhere_ = false;
};

}  // namespace linekeeper::decision
