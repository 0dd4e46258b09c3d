#pragma once
// Where a carrier's SIP servers are, by RFC 3263: a numeric host is itself; a name with a port is looked up for addresses alone; a name
// without one for NAPTR (unless the transport is given), then SRV, then addresses. A conversation without I/O: `questions` says what is to be
// asked next, `hear` takes each answer, and when nothing is left to ask `found` has the endpoints.
//
// What DNS says is bounded (kMostTargets, kMostEndpoints) and held against the carrier's pinned networks: an address outside them is told
// as refused and is no endpoint.
//
// Rejected: to go on to the addresses of the bare name when SRV is not answered (SERVFAIL, silence). They may be other machines than the
// service's; the last good answer is better.
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "carriers/locate/records.hpp"
#include "controller/model/site.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::locate {

inline constexpr std::size_t kMostTargets = 16;  ///< SRV targets whose addresses are asked for
inline constexpr std::uint16_t kSipPort = 5060, kSipsPort = 5061;

/// What is looked for.
struct Wanted {
  std::string host;                                                 ///< a name
  std::optional<std::uint16_t> port{};                              ///< given: no NAPTR, no SRV
  std::optional<model::SipTransport> transport{};                   ///< given: no NAPTR
  std::vector<model::SipTransport> able{model::SipTransport::Udp};  ///< what we can speak, the preferred first
  model::Family family = model::Family::V4;                         ///< of the circuit that it is looked for through
  std::vector<model::Prefix> pinned{};                              ///< empty: any address may be answered
};

struct Found {
  enum class What : std::uint8_t { Endpoints, NoSuchName, Unanswered };
  What what = What::Unanswered;
  std::vector<model::LocatedEndpoint> endpoints;
  std::vector<model::IpAddress> refused;  ///< outside the pinned networks
  std::vector<std::string> unanswered;    ///< SRV targets whose addresses were not answered for, while others' were
  model::Duration ttl{};                  ///< the least of all that led there
  std::string why;                        ///< for people, when there are no endpoints
};

class Location {
 public:
  explicit Location(Wanted wanted);

  /// What is to be asked now, all at once; each is named once. Empty: nothing more before an answer comes, or done().
  [[nodiscard]] std::vector<Question> questions();
  void hear(const Question& question, const Answer& answer);
  [[nodiscard]] bool done() const { return open_.empty() && ask_.empty(); }
  /// Once done(). @param chance  orders those of one priority by their weights (RFC 2782)
  [[nodiscard]] Found found(runtime::SeededRandom& chance) const;

 private:
  struct Target {
    std::string name;
    std::uint16_t port = kSipPort, priority = 0, weight = 0;
    model::SipTransport transport = model::SipTransport::Udp;
  };

  void ask(Kind kind, const std::string& name);
  void ask_srv(model::SipTransport transport, const std::string& name);
  void ask_each_transport();
  void ask_addresses(const std::string& name, std::uint16_t port, model::SipTransport transport);
  void hear_naptr(const Answer& answer);
  void hear_srv(const Question& question, const Answer& answer);
  void services_heard();
  void take_targets();
  void note(const Answer& answer);
  [[nodiscard]] bool speaks(model::SipTransport transport) const;

  Wanted wanted_;
  std::vector<Question> ask_;
  std::set<Question> open_;
  std::map<std::string, model::SipTransport> services_;  // SRV names that were asked for
  std::vector<Target> targets_;
  std::map<std::string, Answer> addresses_;  // by target
  bool refused_service_ = false;             // an SRV target "."
  bool failed_ = false, any_failed_ = false;
  std::string why_;
  std::optional<model::Duration> ttl_;
};

/// RFC 2782: by priority; among those of one priority by chance, each by its weight.
[[nodiscard]] std::vector<model::LocatedEndpoint> in_order(std::vector<model::LocatedEndpoint> endpoints, runtime::SeededRandom& chance);

}  // namespace linekeeper::locate
