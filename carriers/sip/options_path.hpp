#pragma once
// All that a path's client does but its socket, on injected time: when an OPTIONS starts and which kind it is, what its
// transaction wants, when silence becomes a suspicion, what is told. The shell (options_client) asks turn() what is to be
// done until there is nothing, and tells what came of it.
//
// An OPTIONS of the usual pace waits for the one before it to end, so usually there is one. When one has had no response of any
// kind for a second it is told as overdue, and others are sent beside it (etiquette.hpp has when): several requests, each with
// its own Call-ID and branch, cannot all be lost by chance as the packets of one can in one bad second. Any response to any of
// them ends the suspicion. Only then would a slow carrier be asked again and again: so an OPTIONS is overdue a second after the
// last response, not after its own start, and not at all once a later one was answered: then it was lost on the way.
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "carriers/sip/etiquette.hpp"
#include "carriers/sip/options_transaction.hpp"
#include "controller/model/observation.hpp"

namespace linekeeper::sip {

struct ClientCounters {
  std::uint64_t attempts = 0, retransmissions = 0, late = 0;
  std::uint64_t verify = 0;       ///< of the attempts: because of a suspicion
  std::uint64_t provisional = 0;  ///< 1xx: somebody is there, nothing is decided
  std::uint64_t inert = 0;        ///< dropped: malformed, wrong branch, CSeq, Call-ID or source, duplicate
};

class OptionsPath {
 public:
  using Told = std::optional<model::Observation>;
  enum class Act : std::uint8_t { Nothing, Start, Repeat, Tell };
  struct Turn {
    Act act = Act::Nothing;
    std::uint64_t sequence = 0;  ///< of Start and Repeat
    std::string bytes;           ///< of Repeat
    Told told;                   ///< of Tell
  };

  OptionsPath(model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit, runtime::SeededRandom random, Debt debt);

  /// Challenges are answered with these: once each, by the next OPTIONS, which counts like any other.
  void authenticate(DigestSession session) { digest_ = std::move(session); }
  /// The carrier is asked by this path only when all that share this allow it.
  void share(std::shared_ptr<CarrierPace> pace) { pace_ = std::move(pace); }

  void begin(model::Instant now, model::Duration first_after) { etiquette_.begin(now, first_after); }
  [[nodiscard]] model::Instant next_wakeup() const;
  /// The next thing to be done now. A Start is answered by started() or not_started() before turn() is asked again, a Repeat
  /// that could not be sent by refused() or failed().
  [[nodiscard]] Turn turn(model::Instant now);

  /// Of the OPTIONS that is about to start: new ones, or of the same call as the one that was challenged (RFC 3261 22.2).
  [[nodiscard]] TransactionIds next_ids(runtime::SeededRandom& random, std::uint64_t sequence) const;
  /// What it authenticates itself with; nothing: it goes without.
  [[nodiscard]] DigestSession* digest(model::Instant now) { return digest_ && now >= refused_until_ ? &*digest_ : nullptr; }
  /// The first packet of `sequence` has left.
  void started(std::uint64_t sequence, TransactionIds ids, std::string bytes, model::Instant now);
  /// Nothing has left. @param error errno of our own side
  [[nodiscard]] model::Observation not_started(std::uint64_t sequence, int error, model::Instant now);
  /// The network said no to a packet of ours; the newest that waits is meant. @param error errno of the ICMP error
  [[nodiscard]] Told refused(int error, model::Instant now);
  /// The connection that `sequence` went over was ended by the other side.
  [[nodiscard]] Told refused(std::uint64_t sequence, int error, model::Instant now);
  /// Sending failed on our own side.
  [[nodiscard]] Told failed(std::uint64_t sequence, int error, model::Instant now);
  [[nodiscard]] Told on_response(const Response& response, model::Instant now);
  /// What came was no response.
  void inert() { ++counters_.inert; }

  /// The socket is gone, and with it all that listened on it. What waits ends untold: its silence would be our doing.
  void forget() { transactions_.clear(); }
  /// The way is another now: ask soon.
  void changed(model::Instant now) { etiquette_.changed(now); }

  /// The carrier is under suspicion through another circuit (decision::Output::ask): one OPTIONS as soon as etiquette allows.
  void doubted(model::Instant now) { etiquette_.doubted(now); }

  /// See Etiquette::take_turns.
  void take_turns(std::shared_ptr<Debt> common, int in_turn) { etiquette_.take_turns(std::move(common), in_turn); }
  [[nodiscard]] const Debt& debt() const { return etiquette_.debt(); }
  [[nodiscard]] const ClientCounters& counters() const { return counters_; }

 private:
  struct Transaction {
    std::uint64_t sequence = 0;
    std::string bytes;
    OptionsTransaction machine;
    model::Instant sent{};
    model::ProbeKind kind = model::ProbeKind::Scheduled;
    bool provisional = false;
    bool told_overdue = false;
    TransactionIds ids{};
    bool with_credentials = false;
    bool second = false;                               // of one that was challenged
    std::uint32_t bytes_sent = 0, bytes_received = 0;  // since an outcome was last told
  };

  [[nodiscard]] bool waiting() const;
  [[nodiscard]] std::uint32_t on_the_wire(std::size_t bytes) const;  // with IP and UDP headers
  [[nodiscard]] model::Instant overdue_at(const Transaction& t) const;
  void heard(const Transaction& t, model::Instant now);
  [[nodiscard]] model::Observation tell(Transaction& t, model::SipOutcome outcome, model::Instant now);
  void weigh_challenge(const Transaction& t, const std::optional<Challenge>& challenge, model::SipOutcome& outcome, model::Instant now);
  [[nodiscard]] model::Instant paced(model::Instant at) const { return pace_ ? std::max(at, pace_->free_at) : at; }
  void react(const Transaction& t, const model::SipOutcome& outcome, model::Instant now);

  model::CarrierId carrier_;
  model::CircuitId circuit_;
  model::Carrier settings_;
  Etiquette etiquette_;
  ClientCounters counters_;
  std::deque<Transaction> transactions_;  // the oldest first
  std::uint64_t last_sequence_ = 0;
  std::optional<DigestSession> digest_;
  std::optional<TransactionIds> challenged_;              // answered by the next OPTIONS
  model::Instant refused_until_ = model::Instant::min();  // our credentials are wrong: not shown again before
  std::shared_ptr<CarrierPace> pace_;                     // shared with the carrier's other paths; nothing: only this path's own counts
  model::Instant heard_at_ = model::Instant::min();       // when the last response of any kind came
  model::Instant heard_sent_ = model::Instant::min();     // when the newest OPTIONS that was answered in any way was sent
};

}  // namespace linekeeper::sip
