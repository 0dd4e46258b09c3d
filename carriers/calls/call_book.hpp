#pragma once
// Calls as the PBX makes them, put together from mirrored SIP: which carrier and circuit an INVITE went to, when it rang, how it ended,
// what is in progress. Pure: time is told, outcomes are returned.
//
// A leg is one INVITE client transaction towards a carrier: Call-ID and top Via branch. Repetitions (RFC 3261 17.1.1.2), copies that the
// mirror makes of both directions, and what comes after the end have the same ones and count once. A PBX that tries the next way, or
// several at once, makes a leg for each. An INVITE with a tag in To is a re-INVITE and no attempt. Whose leg it is: the carrier by the
// address it goes to, the circuit by the PBX's own address ([[circuit]] sources), else by where that carrier's calls go now.
//
// An answered leg becomes a call in progress until its BYE (from either side, seen on either leg of the PBX: tags and Call-ID are the same).
//
// Bounded: at most kMostLegs and kMostCalls; the oldest goes first, and is counted (Counts::evicted). Keys are seeded hashes.
#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "carriers/calls/call_reader.hpp"
#include "carriers/calls/hep.hpp"
#include "controller/model/call.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::calls {

class CallBook {
 public:
  static constexpr std::size_t kMostLegs = 65536, kMostCalls = 65536;
  static constexpr std::size_t kMostAddresses = 64;
  static constexpr model::Duration kLinger = std::chrono::seconds(32);    ///< after its end: 64 T1, as long as repetitions may come
  static constexpr model::Duration kRings = std::chrono::minutes(4);      ///< without an end for longer than timer C: given up
  static constexpr model::Duration kLongestCall = std::chrono::hours(4);  ///< its BYE was lost, or went another way

  struct Counts {
    std::uint64_t messages = 0;   ///< SIP that was read
    std::uint64_t unread = 0;     ///< that could not be
    std::uint64_t elsewhere = 0;  ///< INVITEs to or from a carrier by no circuit that is known
    std::uint64_t evicted = 0;    ///< legs and calls dropped for want of room
  };

  /// @param site  outlives this  @param most_legs, most_calls  for tests
  CallBook(const model::Site& site, std::uint64_t seed, std::size_t most_legs = kMostLegs, std::size_t most_calls = kMostCalls);

  /// One SIP message that went from one to the other. @return what ended, or is known to be slow, by now; valid until the next call
  const std::vector<model::CallOutcome>& see(const Endpoint& from, const Endpoint& to, std::string_view message, model::Instant now);
  /// Time has passed. To be called at next_wakeup(). @return as above
  const std::vector<model::CallOutcome>& look(model::Instant now);
  [[nodiscard]] model::Instant next_wakeup() const { return timers_.empty() ? model::kNever : timers_.top().due; }
  /// Messages were missed (the mirror's queue overflowed, or we stood still): of legs begun before nothing is concluded from silence.
  void missed(model::Instant now) { missed_ = now; }

  /// Where this carrier's calls go that leave from an address of no circuit; nothing: not known.
  void goes_by(model::CarrierId carrier, std::optional<model::CircuitId> circuit) { ways_.at(carrier.index()) = circuit; }
  /// Addresses that DNS names for a carrier; they are added to what is known. At most kMostAddresses of one carrier.
  void is_at(model::CarrierId carrier, std::span<const model::Endpoint> addresses);
  /// A call by this way that does not ring within this is slow.
  void slow_after(model::CarrierId carrier, model::CircuitId circuit, model::Duration limit) { at(carrier, circuit).slow_after = limit; }

  [[nodiscard]] int in_progress(model::CarrierId carrier, model::CircuitId circuit) const { return at(carrier, circuit).calls; }
  /// What each trunk carries, attempts that have not ended included. Nothing of a trunk for whose carriers no call was ever seen to end: a PBX
  /// that is not on the way of the BYE (no Record-Route) would let the count grow for ever. A carrier of several trunks counts for the
  /// first that is not for emergency calls: a message does not say which trunk it is of.
  [[nodiscard]] std::vector<model::TrunkLoad> loads(model::Instant now);
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] std::size_t legs() const { return legs_.size(); }
  [[nodiscard]] std::size_t calls() const { return calls_.size(); }

  /// Whose address this is.
  struct Party {
    model::CarrierId carrier;
    std::uint8_t endpoint = 0;
  };
  [[nodiscard]] std::optional<Party> carrier_at(const Endpoint& e) const;
  /// The way of the call in progress that has this Call-ID; of several the newest.
  [[nodiscard]] std::optional<std::pair<model::CarrierId, model::CircuitId>> way_of(std::string_view call_id) const;

 private:
  using Key = std::uint64_t;
  struct Path {
    model::Duration slow_after{};
    int pending = 0, calls = 0;
  };
  struct Leg {
    Key key;
    model::CarrierId carrier;
    model::CircuitId circuit;
    std::uint8_t endpoint = 0;
    bool outbound = true;
    bool heard = false;  // any response
    bool cancelled = false;
    bool told = false;  // slow or unheard
    bool ended = false;
    bool pending = true;  // counted as such
    model::Instant begun{};
    std::optional<model::Duration> rang;  // a 18x came after so long
  };
  struct Call {
    Key key, call_id;
    model::CarrierId carrier;
    model::CircuitId circuit;
    model::Instant begun{};
  };
  struct Timer {
    model::Instant due;
    Key leg;
    model::Instant begun;  // of the leg: another may have its key later
    friend bool operator>(const Timer& a, const Timer& b) { return a.due > b.due; }
  };
  using Timers = std::priority_queue<Timer, std::vector<Timer>, std::greater<>>;
  using Legs = std::list<Leg>;  // in the order in which they began
  using Calls = std::list<Call>;
  struct Attempts {  // per trunk, in seconds of a ring
    static constexpr std::size_t kSeconds = 10;
    std::array<int, kSeconds> of{};
    std::int64_t newest = 0;
  };

  [[nodiscard]] Path& at(model::CarrierId k, model::CircuitId c) { return paths_.at(k.index() * site_->circuits.size() + c.index()); }
  [[nodiscard]] const Path& at(model::CarrierId k, model::CircuitId c) const { return paths_.at(k.index() * site_->circuits.size() + c.index()); }
  [[nodiscard]] Key hash(std::string_view a, std::string_view b) const;
  [[nodiscard]] Key call_key(const SipSeen& sip) const;
  [[nodiscard]] std::optional<model::CircuitId> circuit_of(const model::IpAddress& ours, model::CarrierId carrier) const;
  void sort_parties();
  void begin(const Endpoint& from, const Endpoint& to, const SipSeen& sip, model::Instant now);
  void request(const Endpoint& from, const Endpoint& to, const SipSeen& sip, model::Instant now);
  void response(const SipSeen& sip, model::Instant now);
  void answered(const Leg& leg, const SipSeen& sip, model::Instant now);
  void end_call(Key key);
  void tell(const Leg& leg, model::CallFate fate, int code, std::optional<model::Duration> pdd);
  void settle(Leg& leg);
  void due(Leg& leg, model::Instant now);
  void arm(const Leg& leg, model::Instant now);
  [[nodiscard]] model::Instant next_of(const Leg& leg, model::Instant now) const;
  void erase(Legs::iterator leg);
  void erase(Calls::iterator call);
  void expire_calls(model::Instant now);
  void count_attempt(std::size_t trunk, model::Instant now);
  Attempts& wound(std::size_t trunk, model::Instant now);

  const model::Site* site_;
  std::uint64_t seed_;
  std::size_t most_legs_, most_calls_;
  std::vector<std::pair<Endpoint, Party>> parties_;  // sorted by address
  std::vector<std::optional<model::CircuitId>> ways_;
  std::vector<Path> paths_;                         // carrier by carrier, circuit by circuit
  std::vector<std::optional<std::size_t>> trunks_;  // likewise: which trunk's load it is
  std::vector<bool> ends_seen_;                     // by carrier
  std::vector<Attempts> attempts_;                  // by trunk
  Legs legs_;
  std::unordered_map<Key, Legs::iterator> leg_by_key_;
  Calls calls_;
  std::unordered_map<Key, Calls::iterator> call_by_key_, call_by_id_;
  Timers timers_;
  model::Instant missed_ = model::Instant::min();
  Counts counts_;
  std::vector<model::CallOutcome> told_;
};

}  // namespace linekeeper::calls
