#pragma once
// The senses of linekeeperd in virtual time: the real pacing of probes, the real OPTIONS path with its transaction and its etiquette, the
// additional probes that the judge asks for; sockets are the modelled world. Retells probes/circuit_prober and
// carriers/sip/options_client. Planted bugs of what is told sit here.
#include <deque>
#include <functional>
#include <vector>

#include "carriers/sip/options_path.hpp"
#include "controller/model/probe_plan.hpp"
#include "probes/pacing.hpp"
#include "tests/sim/story.hpp"
#include "tests/sim/timeline.hpp"
#include "tests/sim/world.hpp"

namespace linekeeper::sim {

class Oracle;

class SimSenses {
 public:
  using Sink = std::function<void(const model::Observation&, model::Instant)>;

  /// @param debts  what is owed to carriers, by path; outlives this
  SimSenses(const model::Site& site, World& world, Timeline& timeline, Chance& chance, Story& story, Oracle& oracle, Planted bug, std::uint32_t life,
            std::vector<sip::Debt>& debts, Sink sink);

  void begin(model::Instant now);
  /// One of theirs is due.
  void happen(const Event& e, model::Instant now);
  /// A circuit wants to be probed otherwise from now on.
  void follow(std::size_t circuit, const model::ProbePlan& plan, model::Instant now);
  /// A carrier is to be asked at once by these circuits, a bit for each.
  void ask(std::size_t carrier, std::uint64_t circuits, model::Instant now);
  /// Its interface or address is another now: sockets are made anew.
  void rebuild(std::size_t circuit, model::Instant now);
  void set_linked(std::size_t circuit, bool linked) { circuits_[circuit].linked = linked; }
  /// What the clock of the judge shows: another one only by a planted bug.
  void set_wall_offset(model::Duration offset) { wall_offset_ = offset; }

 private:
  struct Circuit {
    probes::Pacing pacing;
    model::ProbePlan plan;
    std::uint64_t sequence = 0, armed = 0, extra_armed = 0;
    std::size_t extra_turn = 0, newest_target = 0;
    bool linked = false;
  };
  struct Path {
    sip::OptionsPath client;
    model::Instant armed = model::kNever;
    bool deaf = false;  ///< a bug
  };

  void put(model::Instant at, Happening what, std::size_t a, std::uint64_t n, std::uint32_t b = 0, model::Duration took = {});
  void arm(std::size_t circuit, model::Instant now);
  void arm_extra(std::size_t circuit, model::Instant at);
  void extra(std::size_t circuit, model::Instant now);
  void probe(std::size_t circuit, std::size_t position, model::ProbeKind kind, model::Instant now);
  void reply(const Event& e, model::Instant now);
  void rejected(std::size_t circuit, model::TargetId target, std::uint64_t sequence, model::Instant now);
  void strangers(std::size_t circuit, model::TargetId target, std::uint64_t sequence, model::Duration took, model::Instant now);
  void arm_path(std::size_t path, model::Instant now);
  void options_due(std::size_t path, model::Instant now);
  void send_options(std::size_t path, std::uint64_t sequence, bool again, model::Instant now);
  void response(const Event& e, model::Instant now);
  void tell(std::size_t path, const sip::OptionsPath::Told& told, model::Instant now);
  [[nodiscard]] model::Instant judged(model::Instant now) const { return now + wall_offset_; }

  const model::Site* site_;
  World* world_;
  Timeline* timeline_;
  Chance* chance_;
  Story* story_;
  Oracle* oracle_;
  Planted bug_;
  std::uint32_t life_;
  std::vector<sip::Debt>* debts_;
  Sink sink_;
  model::Duration wall_offset_{};
  std::vector<Circuit> circuits_;
  std::vector<Path> paths_;
};

}  // namespace linekeeper::sim
