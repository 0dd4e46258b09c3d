#pragma once
// linekeeperd in virtual time: the real Decider and the real way from a plan to what is desired of the kernel, with the pacing of
// probes, the steps after a refusal and the PBX's lease as controller/daemon and carriers/trunks have them. A planted bug sits here,
// between the world and the judge.
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "controller/decision/decider.hpp"
#include "controller/switch/protocol.hpp"
#include "tests/sim/model_switch.hpp"
#include "tests/sim/sim_senses.hpp"
#include "tests/sim/timeline.hpp"
#include "tests/sim/world.hpp"

namespace linekeeper::sim {

class Oracle;

inline constexpr model::Duration kPbxReadBack = std::chrono::seconds(3);  ///< as carriers/trunks/leased_orders

/// The PBXs: the orders they were given, until their leases end.
struct ModelPbx {
  explicit ModelPbx(const model::Site& site) : away(site.pbxs.size()), hung(site.pbxs.size()), order(site.trunks.size()), until(site.trunks.size()) {}
  std::vector<int> away, hung;          ///< by PBX: refuses; takes and does nothing
  std::vector<std::vector<int>> order;  ///< by trunk; empty: its own static one
  std::vector<model::Instant> until;
  [[nodiscard]] bool deaf(model::PbxId p) const { return away[p.index()] > 0 || hung[p.index()] > 0; }
  [[nodiscard]] const std::vector<int>& standing(std::size_t trunk, model::Instant now) const {
    static const std::vector<int> its_own;
    return now < until[trunk] ? order[trunk] : its_own;
  }
};

/// An event of the daemon's, kept for scenarios that ask for it.
struct Said {
  model::EventId id{};
  std::string subject;
  model::Instant at{};
};

/// What the journal keeps of a circuit or a class over a restart.
struct Learned {
  std::string text;
  model::Instant written{};
};

class SimDaemon {
 public:
  SimDaemon(model::SitePtr site, World& world, ModelSwitch& route_switch, ModelPbx& pbx, Timeline& timeline, Chance& chance, Story& story,
            Oracle& oracle, Planted bug);

  void start(model::Instant now);
  void crash(model::Instant now);
  /// Stands still: nothing is sent, seen or decided; what comes meanwhile waits for it.
  void stop(model::Instant now);
  void go_on(model::Instant now);
  void hand_over(model::Instant now);  ///< before a reload: what was learned passes to the next judge without a disk
  /// The configuration that it reads when it starts next. Only the last circuits and carriers may differ in number.
  void configure(model::SitePtr site);
  [[nodiscard]] bool alive() const { return decider_ != nullptr; }
  [[nodiscard]] bool stopped() const { return stopped_since_.has_value(); }
  [[nodiscard]] std::uint32_t life() const { return life_; }
  /// Words to or from the switch are still on their way.
  [[nodiscard]] bool switch_behind(model::Instant now) const { return switch_free_ > now + std::chrono::milliseconds(10); }
  [[nodiscard]] bool adopted() const { return adopted_; }
  /// The switch has let this class escape as often as it may (I3); for a while nothing more is owed.
  [[nodiscard]] bool escape_refused(std::size_t traffic_class, model::Instant now) const { return now < escape_refused_until_[traffic_class]; }
  /// What the judge of the life before remembered of its moves was written down after the last, and the clock tells its age truly.
  [[nodiscard]] bool memory_kept() const { return kept_; }
  [[nodiscard]] const std::vector<model::Override>& overrides() const { return overrides_; }

  void happen(const Event& e, model::Instant now);
  void link(std::size_t circuit, model::Instant now);
  void gateway(std::size_t circuit, model::Instant now);
  void resolver(std::size_t circuit, model::Instant now);
  void calls(std::size_t trunk, int in_progress, model::Instant now);
  /// Somebody telephones: the PBX tries the ways of its order one after the other, as Kamailio does, and what becomes of each is heard.
  void place_call(std::size_t trunk, model::Instant now);
  void switch_left();
  void switch_returned(model::Instant now);
  void set_overrides(std::vector<model::Override> overrides, model::Instant now);

  /// What the judge knows now. @return false: nobody is there to say
  [[nodiscard]] bool status(model::Status& out, model::Instant now) const;
  [[nodiscard]] const decision::Decider& judge() const { return *decider_; }  ///< while it is alive
  [[nodiscard]] const sip::Debt& debt(std::size_t carrier, std::size_t circuit) const { return debts_[carrier * site_->circuits.size() + circuit]; }
  [[nodiscard]] bool never_stopped() const { return !was_stopped_; }  ///< in this run
  void remember_events() { remembers_ = true; }
  [[nodiscard]] const std::vector<Said>& said() const { return said_; }

  /// It has watched this circuit before the run.
  void knows(std::size_t circuit, std::string learned, model::Instant now) { learned_[circuit] = {std::move(learned), now}; }

  /// The daily windows that its clock shows as open, by the name of the class or trunk.
  [[nodiscard]] bool window_open(const model::Failback& f, model::Instant now) const;

  int switch_away = 0, switch_late = 0, disk_fails = 0;
  model::Duration wall_offset{};  ///< how far the wall clock was stepped

 private:
  [[nodiscard]] model::Instant judged_now(model::Instant now) const;
  void later(model::Instant at, Happening what, std::uint32_t a = 0, std::uint64_t n = 0);
  void observe(const model::Observation& o, model::Instant now);
  void take(const decision::Output& out, model::Instant now);
  void carry_out(const model::Plan& plan, model::Instant now);
  void notice_stall(model::Instant now);
  model::Instant awake(model::Instant now);  ///< the judge's now, once it knows of a stall that has just ended
  void recall(model::Instant now);
  void remember(model::Instant now);
  void keep(model::Instant now);
  void look_at_windows(model::Instant now);
  void to_switch(std::uint64_t key, model::Instant now);
  void from_switch(const route::Reply& reply, model::Instant now);
  void to_pbx(std::uint64_t key, model::Instant now);
  void beat(model::Instant now);
  void try_again(model::Instant now);
  void applied(std::size_t traffic_class, model::Instant now);  ///< and read back: its way is to be proven
  void begin_proof(std::size_t traffic_class, model::Instant now);
  void go_on_proving(const Event& e, model::Instant now);
  void end_proof(std::size_t traffic_class, bool answered, model::Instant now);
  void lead_on(std::size_t traffic_class, model::Instant now);  ///< a planted bug
  void read_trunk(const Event& e, model::Instant now);
  void tell_orders(model::Instant now);
  void end_call(std::uint64_t key, model::Instant now);

  model::SitePtr site_;
  model::SitePtr judged_site_;  // what the judge is given: the same, unless a bug was planted
  World* world_;
  ModelSwitch* switch_;
  ModelPbx* pbx_;
  Timeline* timeline_;
  Chance* chance_;
  Story* story_;
  Oracle* oracle_;
  Planted bug_;

  std::uint32_t life_ = 0, connection_ = 0;
  model::Instant switch_free_{};  // when the last message on its way to or from the switch is there
  std::unique_ptr<decision::Decider> decider_;
  std::unique_ptr<SimSenses> senses_;
  model::Instant due_ = model::kNever;  // when the loop is wanted next: much later, it stood still
  std::optional<model::Instant> stopped_since_;
  model::Instant stood_since_ = model::kNever;  // what it has not noticed yet
  bool was_stopped_ = false;
  std::vector<Event> held_;       // what came while it stood still
  std::vector<int> calls_;        // by trunk
  std::vector<Learned> learned_;  // by circuit
  std::vector<Learned> moves_;    // by class
  std::vector<sip::Debt> debts_;  // by path
  bool remembers_ = false;
  std::vector<Said> said_;
  model::Instant wake_at_ = model::kNever;
  std::vector<std::optional<model::LinkState>> links_;
  bool adopted_ = false;
  std::vector<model::Override> overrides_;  // of the journal: they outlive a crash
  std::vector<model::Override> told_overrides_;
  std::vector<std::string> open_windows_;
  bool reloads_ = false;  ///< this life began with a reload

  std::map<std::uint64_t, route::Apply> plans_;
  std::map<std::uint64_t, route::Reply> replies_;
  std::map<std::uint64_t, std::pair<std::size_t, std::vector<int>>> orders_;
  std::map<std::uint64_t, model::CallOutcome> calls_under_way_;
  std::uint64_t key_ = 0;

  std::vector<std::optional<model::CircuitId>> sent_classes_, applied_classes_;
  std::uint64_t sent_generation_ = 0;
  int failures_ = 0;
  std::vector<model::Instant> escape_refused_until_;  // by class
  model::Instant remembered_at_{}, planned_at_{};
  bool kept_ = false;
  std::uint64_t retry_key_ = 0;
  /// As controller/daemon/verification and daemon_flow.
  struct Proving {
    std::optional<model::CircuitId> by;  ///< nothing: nothing new has been applied
    bool proven = false;
    std::uint64_t key = 0;  ///< of the proof under way
    model::Instant began{};
    model::Duration wait{};
  };
  std::vector<Proving> proving_;  // by class
  std::uint64_t proof_key_ = 0;
  std::vector<model::Motive> planned_motives_;  // by class
  std::set<model::TrunkId> suspicious_;         // of a planted bug
  std::vector<std::vector<int>> sent_orders_;
};

}  // namespace linekeeper::sim
