// Lines of a scenario file that say what must be so.
#include "controller/model/diagnosis.hpp"
#include "controller/model/event.hpp"
#include "tests/sim/scenario_attributes.hpp"
#include "tests/sim/scenario_lines.hpp"

namespace linekeeper::sim {

using model::Duration;

namespace {

constexpr std::size_t kNoMore = 1'000'000;

bool expect_moves(Expectation& e, Words words, const model::Site& site) {
  const bool never = words.size() == 3 && words[1] == "never" && words[2] == "moves";
  if (!never && (words.size() < 3 || words[1] != "moves")) return false;
  const auto& classes = site.classes;
  const auto found = std::ranges::find(classes, words[0], &model::TrafficClass::name);
  e.claim = Claim::Moves;
  if (found != classes.end())
    e.a = static_cast<std::size_t>(found - classes.begin());
  else
    e.b = position_of(site.trunks, words[0], "class or trunk");
  if (never) return true;
  const bool at_most = words.size() == 5 && words[2] == "at" && words[3] == "most";
  const auto n = whole_of(words[at_most ? 4 : 2]);
  if (!n || *n < 0 || (!at_most && words.size() != 3)) throw Mistake{"it should be: moves 1, moves at most 2, or never moves"};
  e.most = static_cast<std::size_t>(*n);
  e.least = at_most ? 0 : e.most;
  return true;
}

bool expect_status(Expectation& e, Words words, const model::Site& site) {
  if (words.size() < 4 || words[2] != "is") return false;
  e.word = words[3];
  std::vector<std::string_view> known;
  if (words[0] == "circuit") {
    e.claim = Claim::CircuitIs;
    e.a = position_of(site.circuits, words[1], "circuit");
    known = {"unknown", "up", "degraded", "down", "suspect", "clear"};
  } else if (words[0] == "carrier") {
    e.claim = Claim::CarrierIs;
    e.a = position_of(site.carriers, words[1], "carrier");
    known = {"unknown", "up", "degraded", "down"};
  } else if (words[0] == "target") {
    e.claim = Claim::TargetIs;
    e.a = position_of(site.targets, words[1], "target");
    if (words.size() == 6 && words[4] == "on") e.b = position_of(site.circuits, words[5], "circuit");
    known = {"counted", "dead", "lossy", "lying", "set-aside"};
  } else {
    throw Mistake{fmt::format("\"{}\" has no state that could be expected; circuit, carrier and target have", words[0])};
  }
  if (std::ranges::find(known, e.word) == known.end())
    throw Mistake{fmt::format("a {} is never \"{}\"; it is one of: {}", words[0], e.word, fmt::join(known, ", "))};
  return true;
}

void diagnosis(Expectation& e, Words words) {
  e.claim = Claim::Diagnosis;
  e.word = words[1];
  bool known = e.word == "none";
  for (int i = 0; i < model::kFailedCount; ++i) known = known || to_string(static_cast<model::Failed>(i)) == e.word;
  if (!known) throw Mistake{fmt::format("\"{}\" is no diagnosis", e.word)};
  if (words.size() == 3) e.subject = words[2];
}

}  // namespace

Expectation read_expectation(Duration from, Duration to, Words words, int line, const model::Site& site) {
  if (words.empty()) throw Mistake{"what is expected?"};
  Expectation e{.line = line, .text = words_from(words, 0), .from = from, .to = to, .word = {}, .subject = {}};
  if (expect_moves(e, words, site) || expect_status(e, words, site)) return e;
  if (words.size() == 3 && words[1] == "via") {
    e.claim = Claim::Via;
    e.a = position_of(site.classes, words[0], "class");
    e.b = position_of(site.circuits, words[2], "circuit");
  } else if (words.size() == 4 && words[1] == "shared" && words[2] == "by") {
    e.claim = Claim::SharedBy;
    e.a = position_of(site.classes, words[0], "class");
    e.word = words[3];
    for (const std::string& name : comma_list(e.word)) position_of(site.circuits, name, "circuit");
  } else if (words.size() >= 3 && words[1] == "begins") {
    e.claim = Claim::Begins;
    e.a = position_of(site.trunks, words[0], "trunk");
    e.b = position_of(site.carriers, words[2], "carrier");
    if (words.size() == 5 && words[3] == "via") e.c = position_of(site.circuits, words[4], "circuit");
  } else if (words.size() >= 2 && words[0] == "diagnosis") {
    diagnosis(e, words);
  } else if (words.size() >= 2 && (words[0] == "says" || (words[0] == "never" && words[1] == "says" && words.size() >= 3))) {
    const bool never = words[0] == "never";
    e.claim = Claim::Says;
    e.word = words[never ? 2 : 1];
    e.subject = words_from(words, never ? 3 : 2);
    e.least = never ? 0 : 1;
    e.most = never ? 0 : kNoMore;
    bool known = false;
    for (int i = 0; i < model::kEventCount; ++i) known = known || to_string(static_cast<model::EventId>(i)) == e.word;
    if (!known) throw Mistake{fmt::format("\"{}\" is no event", e.word)};
  } else {
    throw Mistake{fmt::format("\"{}\" is no expectation; see README.md: CLASS via CIRCUIT, CLASS moves 1, circuit NAME is down, ...", e.text)};
  }
  return e;
}

}  // namespace linekeeper::sim
