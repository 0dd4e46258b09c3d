#pragma once
// Decides again what was recorded, with the code that decided it: the configuration that was in force, or another one. With the same
// configuration the same decisions must come out, at the same instants: the recording holds everything the judge was told. With another it
// is a question: the world is as it was, but what would have been probed otherwise is not known. The judge hears what was heard.
//
// Blocks are fed in the order they were written. A recorded start of the daemon (or of a new configuration) begins a new judge. Where the
// recording has a hole, what follows it cannot be judged until a `Standing` tells how things stood; from there a new judge begins that knows
// no more than that. Pure.
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/decision/decider.hpp"
#include "controller/journal/observation_codec.hpp"
#include "controller/journal/recorded.hpp"
#include "controller/operations/hindsight.hpp"
#include "controller/operations/recoveries.hpp"
#include "controller/operations/translation.hpp"

namespace linekeeper::operations {

/// "How would it stand then?": asked at a recorded decision.
struct Question {
  std::string boot_id;
  model::Instant at{};
  std::string subject;  ///< as of an event: "class voice", "circuit fiber"
  std::string about;    ///< name of the circuit whose state explains it; may be empty
};
struct Answer {
  std::string stands;  ///< the way or the state; empty: the subject is not there, or nothing was decided then
  std::string reason;  ///< a clause
};

struct ServiceStory {
  Plane plane = Plane::Routing;
  std::string name;
  int moves = 0;
  int needless = 0;          ///< escapes from a circuit that answered what was sent before, or within a second after
  model::Duration silent{};  ///< spent on a way that answered nothing
};

/// A part of the recording that was judged again, block by block: what the wall clock said in it.
struct Covered {
  std::string boot_id;
  model::Instant first{}, last{};
  model::WallTime wall{};  ///< of `first`
};

struct Story {
  std::vector<journal::RecordedEvent> events;  ///< decided within the span; `wall` as the clock was then
  std::vector<ServiceStory> services;          ///< by name; of all judges together
  std::vector<Answer> answers;                 ///< to each question
  std::vector<Covered> covered;
  std::vector<std::string> remarks;  ///< sentences: what was left out, and why
  std::uint64_t observations = 0;    ///< within the span
  int starts = 0;                    ///< of judges within the span
};

/// Is it the judge who tells this event? (The rest of the daemon tells others.)
[[nodiscard]] bool told_by_the_judge(model::EventId id);

class Replay {
 public:
  struct Settings {
    /// The configuration of that sha256, or another one for all; null: not known.
    std::function<model::SitePtr(const std::string& sha256)> site;
    model::WallTime since{}, until{};  ///< of what is told; what comes before is only decided
    /// Wakes when the judge wants, not when the recorded judge was woken: for another configuration.
    bool own_wakes = false;
    std::vector<Question> questions;  ///< in the order of the recording
  };
  explicit Replay(Settings settings);
  ~Replay();

  void feed(const journal::RecordedBlock& stored, const journal::Block& block);
  /// This one could not be read.
  void damaged(const journal::RecordedBlock& stored, const std::string& why);
  [[nodiscard]] Story finish();

 private:
  struct Judge;
  /// One service's way since an instant.
  struct Way {
    std::optional<model::CircuitId> circuit;
    std::optional<model::CarrierId> carrier;
    model::Instant since{};
  };
  struct Escape {
    std::size_t service;
    model::CircuitId from;
    model::Instant at{};
    std::uint64_t newest_sequence = 0;  // of that circuit
  };

  void start(const std::string& sha256, model::Instant now);
  void end();
  void resume(const journal::Standing& standing, model::Instant now);
  void take(const journal::Record& record, const journal::RecordedBlock& stored);
  void wake_until(model::Instant now);
  void give(const journal::Input& input, model::Instant now);
  void listen(const decision::Output& out);
  void hear(const model::Observation& observation, model::Instant now);
  void answer_until(model::Instant now);
  [[nodiscard]] Answer answer(const Question& question) const;
  void remark(std::string sentence);
  ServiceStory& service(Plane plane, const std::string& name);

  Settings settings_;
  Story story_;
  std::set<std::string> remarked_;
  std::unique_ptr<Judge> judge_;  // none: before the first start, and behind a hole
  journal::RecordedBlock here_;   // the block that is being read, without its bytes
  std::string boot_id_;
  std::set<std::string> earlier_boots_;
  model::Instant run_{};
  std::uint64_t next_index_ = 0;
  bool begun_ = false;
  std::size_t asked_ = 0;  // questions that were answered
};

}  // namespace linekeeper::operations
