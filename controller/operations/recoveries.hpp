#pragma once
// RTO clocks. Each move of a class or trunk is followed through its steps: last good probe (t0), detected (t1), decided (t2),
// applied and read back (t3), verified on the new way (t4); RTO = t4 - t0, measured on the boot clock. A move away from something
// that failed, and an outage that nothing could be moved away from, is an incident.
#include <deque>
#include <optional>
#include <vector>

#include "controller/model/event.hpp"
#include "controller/model/incident.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::operations {

enum class Plane : std::uint8_t { Routing, Trunk };

/// How far the present choice of one class or trunk has come.
struct Progress {
  std::uint64_t generation = 0;          ///< of the plan that made it
  std::optional<std::size_t> choice;     ///< circuit, or position in Trunk::members; nothing: none yet
  std::vector<model::CircuitId> shared;  ///< classes that share: all they go by, in order
  std::optional<std::size_t> suspected;  ///< trunks: the member that was left because its circuit was silent, while no more is known
  model::Instant decided{};
  std::optional<model::Instant> applied, verified;
  std::string detail;              ///< why not, when not
  std::int64_t open_incident = 0;  ///< id; 0 = none
  std::optional<model::Duration> last_recovery;
};

/// A diagnosis settles up to a second after the failure: an incident that is over sooner still gets its name.
inline constexpr model::Duration kNamedAfter = std::chrono::seconds(5);

/// What an incident was opened about: which diagnosis is its own.
struct Hit {
  std::optional<model::CircuitId> circuit;
  std::optional<model::CarrierId> carrier;
};

class Recoveries {
 public:
  explicit Recoveries(const model::Site& site);  ///< @param site outlives this

  /// A plan was decided. @param status as decision fills it, at plan.decided
  /// @return events (incident.opened).
  std::vector<model::Event> on_plan(const model::Plan& plan, const model::Status& status, model::WallTime wall);
  /// Nothing is up any more: an incident without a way out. Same return.
  std::vector<model::Event> on_all_bad(Plane plane, std::size_t index, const model::Status& status, model::WallTime wall);
  /// The switch (all classes of that generation) or a PBX (one trunk) has done it and read it back.
  std::vector<model::Event> on_applied(Plane plane, std::optional<std::size_t> index, std::uint64_t generation, model::Instant now);
  std::vector<model::Event> on_failed(Plane plane, std::optional<std::size_t> index, std::uint64_t generation, const std::string& why,
                                      model::Instant now, bool refused);
  /// The new way works end to end. @return events (routing.verified, incident.closed).
  std::vector<model::Event> on_verified(Plane plane, std::size_t index, model::Instant now);
  /// It could not be shown to work in time.
  /// @param counts  that says something about the way (Decider::proof_counts): service is being lost, and if no incident is open this is one
  std::vector<model::Event> on_verify_failed(Plane plane, std::size_t index, const std::string& why, bool counts, model::WallTime wall,
                                             model::Instant now);
  /// Closes incidents whose way came back by itself, and gives incidents the name of what failed. Called when verdicts or diagnoses changed.
  std::vector<model::Event> on_status(const model::Status& status);

  [[nodiscard]] const Progress& progress(Plane plane, std::size_t index) const {
    return plane == Plane::Routing ? classes_.at(index) : trunks_.at(index);
  }
  /// Decided, and not applied yet.
  [[nodiscard]] bool wants_application(Plane plane, std::size_t index) const {
    const Progress& p = progress(plane, index);
    return p.choice && !p.applied;
  }
  /// Applied, and not verified yet.
  [[nodiscard]] bool wants_verification(Plane plane, std::size_t index) const;
  /// What is known of the last incidents and of the present moves, for people.
  void fill(model::Status& status) const;
  /// Incidents that changed since last asked, for the metrics.
  [[nodiscard]] std::vector<model::Incident> take_changed();

 private:
  Progress& at(Plane plane, std::size_t index) { return plane == Plane::Routing ? classes_.at(index) : trunks_.at(index); }
  model::Incident* open_of(Progress& p);
  model::Incident& remember(Progress& p, model::Incident incident, Hit hit);  // with an id, as the open one of p
  void name_incidents(const model::Status& status);
  void follow_class(const model::ClassChoice& c, const model::Plan& plan, const model::Status& status, model::WallTime wall,
                    std::vector<model::Event>& out);
  void follow_shares(Progress& p, const model::ClassChoice& c, const model::Plan& plan, const model::Status& status, model::WallTime wall,
                     std::vector<model::Event>& out);
  void book_suspicion(Progress& p, const model::Trunk& trunk, const model::Plan& plan, const model::Status& status, model::WallTime wall,
                      std::vector<model::Event>& out);
  void follow_trunk(const model::TrunkChoice& t, const model::Plan& plan, const model::Status& status, model::WallTime wall,
                    std::vector<model::Event>& out);
  model::Incident& open(Progress& p, model::Incident incident, Hit hit, std::vector<model::Event>& out, model::Instant now);
  /// @param proven  when the way was  @param now  when that is told
  void close(Progress& p, Plane plane, std::size_t index, model::Instant proven, model::Instant now, std::vector<model::Event>& out);
  [[nodiscard]] std::string subject(Plane plane, std::size_t index) const;

  const model::Site* site_;
  std::vector<Progress> classes_, trunks_;
  std::deque<model::Incident> incidents_;  // newest first, at most 20
  /// An incident whose name may still come or get better.
  struct Unnamed {
    std::int64_t incident = 0;
    Hit hit;
    std::optional<model::Failed> named;
  };
  std::vector<Unnamed> unnamed_;  // never more than incidents_
  std::vector<model::Incident> changed_;
  std::int64_t next_id_ = 1;
};

}  // namespace linekeeper::operations
