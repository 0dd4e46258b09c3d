#pragma once
// Does this carrier take calls through this circuit, whatever addresses it has? Of a carrier with one numeric address this is that address's
// PathHealth and nothing else. Of one with several, or with a name, each address has a PathHealth of its own, and the path is
//
//  - up while one address of the preferred priority takes calls, whatever becomes of the others;
//  - degraded while only addresses of a later priority do (RFC 3263 4.3: callers get there, after a failure each);
//  - down when none does, or when nothing at all is heard of any of them for as long as an only address may be silent: so a dead carrier is
//    found as quickly as if it had one address, although its addresses are asked in turn.
//
// An address that is new begins unknown and one that DNS names no more stays until those that are named have a verdict: neither changes the
// path's verdict by itself (I6). While an address of the preferred priority is unknown and none of them is up, what was held stays.
//
// Rejected: one count of failures over all addresses. One dead address of two then makes every second answer a bad one, and the path flaps.
#include <optional>
#include <span>
#include <vector>

#include "controller/decision/path_health.hpp"

namespace linekeeper::decision {

class PathEndpoints {
 public:
  /// One address of it.
  struct Member {
    model::LocatedEndpoint where;
    PathHealth health;
    bool listed = true;
    model::Instant unlisted_at{};
    std::uint16_t slot = 0;  ///< its own while it lives
  };

  /// @param site  outlives this
  PathEndpoints(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, model::Instant started);

  // As of PathHealth.
  void on(const model::SipOutcome& outcome, model::Instant now);
  void on(const model::SipOverdue& overdue, model::Instant now);
  void on(const model::SipProvisional& provisional, model::Instant now);
  void stalled(const model::LoopStall& stall);

  /// What a lookup has changed.
  struct Relisted {
    std::vector<model::Endpoint> added, gone;
    bool lookup = false;   ///< how it went is another than last time
    bool refused = false;  ///< an address outside the pinned networks that was not there before
  };
  Relisted on(const model::CarrierLocated& located, model::Instant now);

  PathHealth::Change judge(const Below& below, model::Instant now);
  PathHealth::Change judge(model::Health circuit, model::Instant now) { return judge(Below{.health = circuit}, now); }
  [[nodiscard]] model::Instant next_wakeup() const;
  void distrust();

  [[nodiscard]] const model::Verdict& verdict() const { return joint_ ? verdict_ : only().verdict(); }
  [[nodiscard]] int last_code() const { return whole().last_code(); }
  [[nodiscard]] model::SipFault fault() const { return whole().fault(); }
  [[nodiscard]] bool trusted() const { return joint_ ? trusted_ : only().trusted(); }
  [[nodiscard]] model::Instant doubted_until() const { return whole().doubted_until(); }
  [[nodiscard]] const std::optional<PathHealth::Warning>& warning() const { return whole().warning(); }
  [[nodiscard]] bool last_was_bad() const;
  [[nodiscard]] bool overdue() const;
  [[nodiscard]] bool down_by_carrier() const { return verdict().health == model::Health::Down && verdict().cause != model::Cause::CircuitDown; }
  [[nodiscard]] std::optional<model::Instant> last_good() const;
  [[nodiscard]] bool proven_since(model::Instant t) const { return last_good() && *last_good() >= t; }
  [[nodiscard]] std::optional<model::Instant> last_heard() const { return whole().last_heard(); }
  [[nodiscard]] model::Instant first_bad() const { return joint_ ? first_bad_ : only().first_bad(); }
  [[nodiscard]] model::PathStatus status() const;

  /// Some of the addresses that DNS, or the list, names are down by the carrier's doing while another takes calls.
  [[nodiscard]] bool partly_dead() const;
  /// Addresses whose verdict the last judge() changed between taking calls and not.
  [[nodiscard]] std::span<const model::EndpointStatus> turned() const { return turned_; }

 private:
  [[nodiscard]] const PathHealth& only() const { return members_.front().health; }
  /// Of all addresses together: whether anything is heard at all.
  [[nodiscard]] const PathHealth& whole() const { return joint_ ? *whole_ : only(); }
  [[nodiscard]] Member* member(const std::optional<model::Endpoint>& at);
  [[nodiscard]] const Member* member(const std::optional<model::Endpoint>& at) const;
  void add(const model::LocatedEndpoint& where, model::Instant now);
  void take_turns();
  void let_go(model::Instant now);
  void judge_members(const Below& below, model::Instant now);
  [[nodiscard]] model::Verdict evaluate(const Below& below, model::Instant now) const;
  [[nodiscard]] model::Verdict evaluate_members(model::Instant now) const;
  [[nodiscard]] model::Instant began_to_fail() const;
  [[nodiscard]] bool counts(const Member& m) const { return m.listed || unlisted_count_; }
  [[nodiscard]] std::uint16_t preferred() const;
  [[nodiscard]] std::size_t listed() const;
  [[nodiscard]] model::EndpointStatus status_of(const Member& m) const;
  template <class T>
  [[nodiscard]] static T as_of_whole(T told, const Member& m);

  const model::Site* site_;
  model::CarrierId carrier_;
  model::CircuitId circuit_;
  bool joint_ = false;  // several addresses, or a name
  std::vector<Member> members_;
  std::optional<PathHealth> whole_;
  bool unlisted_count_ = false;  // no address that is listed has a verdict: those that are not still speak for the path
  std::uint16_t next_slot_ = 0;
  model::Verdict verdict_;
  bool trusted_ = true;
  model::Instant first_bad_{};
  std::optional<model::LocatedStatus> located_;
  std::vector<model::EndpointStatus> turned_;
};

}  // namespace linekeeper::decision
