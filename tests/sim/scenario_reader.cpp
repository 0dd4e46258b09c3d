#include "tests/sim/scenario_reader.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/model/diagnosis.hpp"
#include "controller/model/event.hpp"
#include "tests/sim/scenario_attributes.hpp"

namespace linekeeper::sim {

using model::Duration;

namespace {

constexpr Duration kToTheEnd = Duration::max();
constexpr std::string_view kKinds[] = {"mixed", "one-target", "blackout", "restarts", "quiet"};
constexpr std::size_t kNoMore = 1'000'000;

using Words = std::span<const std::string>;

std::string after(Words words, std::size_t from) { return fmt::format("{}", fmt::join(words.subspan(std::min(from, words.size())), " ")); }

class Reader {
 public:
  void read(const std::string& path, int depth);
  std::expected<Script, std::vector<std::string>> result(const std::string& path);

 private:
  void line(Words words);
  void site_line(Words words);
  void circuit(Words words);
  void carrier(Words words);
  void traffic_class(Words words);
  void trunk(Words words);
  void at(Words words);
  void trouble(Duration at, Words words);
  void aim(Trouble& t, Words& words);
  void how_long(Trouble& t, Words& words, Duration at);
  void well(Duration at, const Trouble& whom);
  void expect(Duration from, Duration to, Words words);
  bool expect_moves(Expectation& e, Words words);
  bool expect_status(Expectation& e, Words words);
  void diagnosis(Expectation& e, Words words);
  [[nodiscard]] std::size_t circuit_named(std::string_view name) const { return position_of(script_.site.circuits, name, "circuit"); }
  static Duration instant(std::string_view text);
  void mistake(const std::string& what) { mistakes_.push_back(fmt::format("{}:{}: {}", file_, line_, what)); }

  Script script_;
  std::string file_;
  int line_ = 0, depth_ = 0;
  bool ends_ = false;  // the file says how long it lasts
  Duration latest_{};
  std::vector<std::string> mistakes_;
};

Duration Reader::instant(std::string_view text) {
  const auto t = time_of(text);
  if (!t || *t < Duration::zero()) throw Mistake{fmt::format("\"{}\" is no time since the beginning; as 10s or 1m30s", text)};
  return *t;
}

void Reader::read(const std::string& path, int depth) {
  std::ifstream in(path);
  const std::string outer = std::exchange(file_, path);
  const int outer_line = std::exchange(line_, 0);
  if (!in) {
    file_ = depth > 0 ? outer : path;
    line_ = outer_line;
    return mistake(fmt::format("cannot open {}", path));
  }
  depth_ = depth;
  for (std::string text; std::getline(in, text);) {
    ++line_;
    std::istringstream stream(text.substr(0, text.find('#')));
    const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
    if (words.empty()) continue;
    try {
      line(words);
    } catch (const Mistake& m) {
      mistake(m.what);
    }
  }
  file_ = outer;
  line_ = outer_line;
  depth_ = depth - 1;
}

void Reader::line(Words words) {
  const std::string& what = words[0];
  if (what == "at") return at(words);
  if (what == "from") {
    if (words.size() < 5 || words[2] != "to") throw Mistake{"it should be: from 10s to 20s EXPECTATION"};
    const Duration from = instant(words[1]), to = words[3] == "end" ? kToTheEnd : instant(words[3]);
    if (to <= from) throw Mistake{fmt::format("{} is not after {}", words[3], words[1])};
    return expect(from, to, words.subspan(4));
  }
  if (what == "expect") return expect(Duration::zero(), kToTheEnd, words.subspan(1));
  if (words.size() < 2) throw Mistake{fmt::format("\"{}\" says nothing, or too little", what)};
  if (what == "include") {
    if (depth_ > 3) throw Mistake{"files include each other"};
    return read((std::filesystem::path(file_).parent_path() / words[1]).string(), depth_ + 1);
  }
  site_line(words);
}

void Reader::site_line(Words words) {
  const std::string& what = words[0];
  model::Site& site = script_.site;
  const auto rule = [&](auto fields, auto& value) {
    Attributes a(words.subspan(1), site);
    fields(a, value);
    a.done();
  };
  if (what == "seed") {
    const auto n = whole_of(words[1]);
    if (!n || *n < 0) throw Mistake{fmt::format("seed \"{}\" is no whole number", words[1])};
    script_.seed = static_cast<std::uint64_t>(*n);
  } else if (what == "lasts") {
    script_.lasts = instant(words[1]);
    ends_ = true;
  } else if (what == "kind") {
    const auto* const k = std::ranges::find(kKinds, words[1]);
    if (k == std::end(kKinds)) throw Mistake{fmt::format("kind \"{}\" is unknown; one of: {}", words[1], fmt::join(kKinds, ", "))};
    script_.kind = static_cast<Kind>(k - std::begin(kKinds));
  } else if (what == "plant") {
    const auto bug = std::ranges::find(planted_bugs(), words[1], &PlantedBug::name);
    if (bug == planted_bugs().end()) throw Mistake{fmt::format("\"{}\" is no planted bug; see sim --planted", words[1])};
    script_.bug = bug->bug;
  } else if (what == "target") {
    const auto address = words.size() > 2 ? model::IpAddress::parse(words[2]) : std::nullopt;
    if (!address) throw Mistake{"it should be: target NAME ADDRESS network NAME"};
    Attributes a(words.subspan(3), site);
    site.targets.push_back({words[1], *address, a.need("network")});
    a.done();
  } else if (what == "circuit") {
    circuit(words);
  } else if (what == "carrier") {
    carrier(words);
  } else if (what == "class") {
    traffic_class(words);
  } else if (what == "pbx") {
    site.pbxs.push_back({.name = words[1], .rpc_socket = {}});
  } else if (what == "trunk") {
    trunk(words);
  } else if (what == "probing") {
    rule([](auto& a, auto& v) { probing_fields(a, v, v); }, site.probing);
  } else if (what == "judge-circuits") {
    rule([](auto& a, auto& v) { circuit_rule_fields(a, v, v); }, site.circuit_health);
  } else if (what == "judge-carriers") {
    rule([](auto& a, auto& v) { carrier_rule_fields(a, v, v); }, site.carrier_health);
  } else {
    throw Mistake{
        fmt::format("\"{}\" is unknown; a line begins with at, from, expect, include, seed, lasts, kind, plant, target, circuit, carrier, class, "
                    "pbx, trunk, probing, judge-circuits or judge-carriers",
                    what)};
  }
}

void Reader::circuit(Words words) {
  model::Site& site = script_.site;
  const auto n = static_cast<int>(site.circuits.size());
  model::Circuit c{
      .name = words[1], .interface = words[1], .provider = {}, .medium = {}, .priority = 10 * (n + 1), .table = static_cast<std::uint32_t>(7101 + n)};
  for (std::size_t t = 0; t < site.targets.size(); ++t) c.targets.push_back(model::id_at<model::TargetId>(t));
  LineNature nature;
  Attributes a(words.subspan(2), site);
  circuit_fields(a, c, c, nature, nature);
  a.done();
  if (c.targets.empty()) throw Mistake{"a circuit needs targets: declare them first"};
  site.circuits.push_back(std::move(c));
  script_.lines.push_back(nature);
}

void Reader::carrier(Words words) {
  const auto address = words.size() > 2 ? model::IpAddress::parse(words[2]) : std::nullopt;
  if (!address) throw Mistake{"it should be: carrier NAME ADDRESS interval 15s ..."};
  model::Carrier k;
  k.name = words[1];
  k.address = *address;
  Attributes a(words.subspan(3), script_.site);
  carrier_fields(a, k, k);
  a.done();
  script_.site.carriers.push_back(std::move(k));
}

void Reader::traffic_class(Words words) {
  model::TrafficClass c{.name = words[1], .circuits = {}, .table = static_cast<std::uint32_t>(7201 + script_.site.classes.size()), .match = {}};
  Attributes a(words.subspan(2), script_.site);
  class_fields(a, c, c);
  a.done();
  script_.site.classes.push_back(std::move(c));
}

void Reader::trunk(Words words) {
  model::Site& site = script_.site;
  model::Trunk t{.name = words[1], .pbx = {}, .traffic_class = {}, .carriers = {}, .members = {}};
  Attributes a(words.subspan(2), site);
  if (const auto* pbx = a.find("pbx")) t.pbx = model::id_at<model::PbxId>(position_of(site.pbxs, *pbx, "pbx"));
  t.traffic_class = model::id_at<model::ClassId>(position_of(site.classes, a.need("class"), "class"));
  t.carriers = Attributes::ids<model::CarrierId>(a.need("carriers"), site.carriers, "carrier");
  const auto* by = a.find("by");
  if (by != nullptr && *by != "each" && *by != "class") throw Mistake{fmt::format("by \"{}\" should be each or class", *by)};
  trunk_fields(a, t, t);
  a.done();
  if (t.pbx.index() >= site.pbxs.size()) throw Mistake{"a trunk needs a pbx: declare it first"};
  const auto hundred = static_cast<int>(100 * site.trunks.size());
  for (std::size_t k = 0; k < t.carriers.size(); ++k) {
    const int set = hundred + 10 * static_cast<int>(k + 1);
    if (by != nullptr && *by == "class") {
      t.members.push_back({t.carriers[k], std::nullopt, set});
      continue;
    }
    for (std::size_t c = 0; c < site.circuits.size(); ++c)
      t.members.push_back({t.carriers[k], model::id_at<model::CircuitId>(c), set + static_cast<int>(c)});
  }
  site.trunks.push_back(std::move(t));
}

void Reader::at(Words words) {
  if (words.size() < 3) throw Mistake{"it should be: at 10s SOMETHING"};
  const Duration when = instant(words[1]);
  latest_ = std::max(latest_, when);
  const Words rest = words.subspan(2);
  // What is, and what happens: a class or a trunk that is named, or "is", makes it an expectation.
  const auto named = [&](const auto& list) { return std::ranges::any_of(list, [&](const auto& x) { return x.name == rest[0]; }); };
  const bool is = rest.size() > 2 && rest[2] == "is";
  if (named(script_.site.classes) || named(script_.site.trunks) || is || rest[0] == "diagnosis" || rest[0] == "says" || rest[0] == "never")
    return expect(when, when, rest);
  trouble(when, rest);
}

/// Whom it befalls, by name; what is left of the words comes after.
void Reader::aim(Trouble& t, Words& words) {
  const model::Site& site = script_.site;
  const auto by_circuit = [&](std::string_view link) {
    t.everywhere = words.size() < 2 || words[0] != link;
    if (t.everywhere) return;
    t.b = circuit_named(words[1]);
    words = words.subspan(2);
  };
  const auto to = [&](const auto& list, std::string_view what) {
    if (words.size() < 2 || words[0] != "to") throw Mistake{fmt::format("it should say where: to {}", what)};
    t.b = position_of(list, words[1], what);
    words = words.subspan(2);
  };
  switch (kind_of(t.fault).aim) {
    case Aim::Circuit: break;
    case Aim::Target: return by_circuit("on");
    case Aim::Carrier: return by_circuit("via");
    case Aim::Class: return to(site.circuits, "circuit");
    case Aim::Trunk: return to(site.carriers, "carrier");
    case Aim::Load:
    case Aim::Pbx: break;
    case Aim::Nobody:
      if (words.size() > 1 && words[0] == "way") {
        t.a = static_cast<std::size_t>(whole_of(words[1]).value_or(0));
        words = words.subspan(2);
      }
      break;
  }
}

void Reader::how_long(Trouble& t, Words& words, Duration at) {
  while (words.size() >= 2) {
    const std::string& what = words[0];
    const std::string& value = words[1];
    if (what == "for") {
      t.lasts = instant(value);
      latest_ = std::max(latest_, at + t.lasts);
    } else if (what == "flapping") {
      const std::size_t slash = value.find('/');
      const auto on = time_of(std::string_view(value).substr(0, slash));
      const auto off = slash == std::string::npos ? std::nullopt : time_of(std::string_view(value).substr(slash + 1));
      if (!on || !off || *on <= Duration::zero() || *off <= Duration::zero())
        throw Mistake{fmt::format("flapping \"{}\" should be as 2s/2s: there, away", value)};
      t.on = *on;
      t.off = *off;
    } else {
      break;
    }
    words = words.subspan(2);
  }
  if (!words.empty()) throw Mistake{fmt::format("\"{}\" is not understood; for 30s, or flapping 2s/2s, may stand here", words[0])};
}

void Reader::trouble(Duration when, Words words) {
  const model::Site& site = script_.site;
  Trouble t{.at = when, .lasts = kToTheEnd};
  std::string subject = words[0];
  const bool every = subject == "every";
  const bool nobody = std::ranges::any_of(fault_kinds(), [&](const FaultKind& k) { return k.subject == subject && k.aim == Aim::Nobody; });
  if (every) {
    if (words.size() < 2 || words[1] != "circuit") throw Mistake{"it should be: every circuit SOMETHING"};
    subject = "circuit";
    t.everywhere = true;
  }
  if (!nobody && words.size() < 3)
    throw Mistake{fmt::format("\"{}\" is not understood: it should name whom and what, as circuit fiber black-hole", after(words, 0))};
  if (subject == "circuit" && !every) t.a = circuit_named(words[1]);
  if (subject == "target") t.a = position_of(site.targets, words[1], "target");
  if (subject == "carrier") t.a = position_of(site.carriers, words[1], "carrier");
  if (subject == "class") t.a = position_of(site.classes, words[1], "class");
  if (subject == "trunk") t.a = position_of(site.trunks, words[1], "trunk");
  if (subject == "pbx") t.a = position_of(site.pbxs, words[1], "pbx");
  words = words.subspan(nobody ? 1 : 2);
  if (words.empty()) throw Mistake{fmt::format("what is it about the {}?", subject)};
  if (words[0] == "well" && words.size() == 1) {
    t.fault = std::ranges::find(fault_kinds(), subject, &FaultKind::subject)->fault;
    return well(when, t);
  }
  const FaultKind* kind = fault_named(subject, words[0]);
  if (kind == nullptr) {
    std::vector<std::string_view> known;
    for (const FaultKind& k : fault_kinds())
      if (k.subject == subject) known.push_back(k.word);
    throw Mistake{known.empty() ? fmt::format("\"{}\" is nobody that anything can befall", subject)
                                : fmt::format("a {} cannot be \"{}\"; it can be: {}, well", subject, words[0], fmt::join(known, ", "))};
  }
  t.fault = kind->fault;
  words = words.subspan(1);
  if (kind->amount != Amount::None) {
    const auto amount = words.empty() ? std::nullopt : measure_of(kind->amount, words[0]);
    if (!amount) throw Mistake{fmt::format("{} needs {}", kind->word, example_of(kind->amount))};
    t.amount = *amount;
    words = words.subspan(1);
  }
  aim(t, words);
  how_long(t, words, when);
  t.serial = static_cast<int>(script_.troubles.size());
  script_.troubles.push_back(t);
}

/// Everything that is the matter with it ends.
void Reader::well(Duration when, const Trouble& whom) {
  bool any = false;
  for (Trouble& t : script_.troubles) {
    if (kind_of(t.fault).subject != kind_of(whom.fault).subject || t.at >= when) continue;
    if (t.everywhere == whom.everywhere && (t.everywhere && kind_of(t.fault).aim == Aim::Circuit ? false : t.a != whom.a)) continue;
    if (t.lasts != kToTheEnd && t.at + t.lasts <= when) continue;
    t.lasts = when - t.at;
    any = true;
  }
  if (!any) throw Mistake{"nothing was the matter with it"};
}

void Reader::expect(Duration from, Duration to, Words words) {
  if (words.empty()) throw Mistake{"what is expected?"};
  const model::Site& site = script_.site;
  Expectation e{.line = line_, .text = after(words, 0), .from = from, .to = to, .word = {}, .subject = {}};
  if (to != kToTheEnd) latest_ = std::max(latest_, to);
  if (expect_moves(e, words) || expect_status(e, words)) {
    script_.expectations.push_back(std::move(e));
    return;
  }
  if (words.size() == 3 && words[1] == "via") {
    e.claim = Claim::Via;
    e.a = position_of(site.classes, words[0], "class");
    e.b = circuit_named(words[2]);
  } else if (words.size() >= 3 && words[1] == "begins") {
    e.claim = Claim::Begins;
    e.a = position_of(site.trunks, words[0], "trunk");
    e.b = position_of(site.carriers, words[2], "carrier");
    if (words.size() == 5 && words[3] == "via") e.c = circuit_named(words[4]);
  } else if (words.size() >= 2 && words[0] == "diagnosis") {
    diagnosis(e, words);
  } else if (words.size() >= 2 && (words[0] == "says" || (words[0] == "never" && words[1] == "says" && words.size() >= 3))) {
    const bool never = words[0] == "never";
    e.claim = Claim::Says;
    e.word = words[never ? 2 : 1];
    e.subject = after(words, never ? 3 : 2);
    e.least = never ? 0 : 1;
    e.most = never ? 0 : kNoMore;
    bool known = false;
    for (int i = 0; i < model::kEventCount; ++i) known = known || to_string(static_cast<model::EventId>(i)) == e.word;
    if (!known) throw Mistake{fmt::format("\"{}\" is no event", e.word)};
  } else {
    throw Mistake{fmt::format("\"{}\" is no expectation; see README.md: CLASS via CIRCUIT, CLASS moves 1, circuit NAME is down, ...", e.text)};
  }
  script_.expectations.push_back(std::move(e));
}

bool Reader::expect_moves(Expectation& e, Words words) {
  const bool never = words.size() == 3 && words[1] == "never" && words[2] == "moves";
  if (!never && (words.size() < 3 || words[1] != "moves")) return false;
  const auto& classes = script_.site.classes;
  const auto found = std::ranges::find(classes, words[0], &model::TrafficClass::name);
  e.claim = Claim::Moves;
  if (found != classes.end())
    e.a = static_cast<std::size_t>(found - classes.begin());
  else
    e.b = position_of(script_.site.trunks, words[0], "class or trunk");
  if (never) return true;
  const bool at_most = words.size() == 5 && words[2] == "at" && words[3] == "most";
  const auto n = whole_of(words[at_most ? 4 : 2]);
  if (!n || *n < 0 || (!at_most && words.size() != 3)) throw Mistake{"it should be: moves 1, moves at most 2, or never moves"};
  e.most = static_cast<std::size_t>(*n);
  e.least = at_most ? 0 : e.most;
  return true;
}

bool Reader::expect_status(Expectation& e, Words words) {
  if (words.size() < 4 || words[2] != "is") return false;
  e.word = words[3];
  std::vector<std::string_view> known;
  if (words[0] == "circuit") {
    e.claim = Claim::CircuitIs;
    e.a = circuit_named(words[1]);
    known = {"unknown", "up", "degraded", "down", "suspect", "clear"};
  } else if (words[0] == "carrier") {
    e.claim = Claim::CarrierIs;
    e.a = position_of(script_.site.carriers, words[1], "carrier");
    known = {"unknown", "up", "degraded", "down"};
  } else if (words[0] == "target") {
    e.claim = Claim::TargetIs;
    e.a = position_of(script_.site.targets, words[1], "target");
    if (words.size() == 6 && words[4] == "on") e.b = circuit_named(words[5]);
    known = {"counted", "dead", "lossy", "lying", "set-aside"};
  } else {
    throw Mistake{fmt::format("\"{}\" has no state that could be expected; circuit, carrier and target have", words[0])};
  }
  if (std::ranges::find(known, e.word) == known.end())
    throw Mistake{fmt::format("a {} is never \"{}\"; it is one of: {}", words[0], e.word, fmt::join(known, ", "))};
  return true;
}

void Reader::diagnosis(Expectation& e, Words words) {
  e.claim = Claim::Diagnosis;
  e.word = words[1];
  bool known = e.word == "none";
  for (int i = 0; i < model::kFailedCount; ++i) known = known || to_string(static_cast<model::Failed>(i)) == e.word;
  if (!known) throw Mistake{fmt::format("\"{}\" is no diagnosis", e.word)};
  if (words.size() == 3) e.subject = words[2];
}

std::expected<Script, std::vector<std::string>> Reader::result(const std::string& path) {
  file_ = path;
  line_ = 1;
  if (mistakes_.empty() && (script_.site.circuits.empty() || script_.site.classes.empty()))
    mistake("a scenario needs circuits and a class, or a file that has them: include two-circuits.site");
  if (!mistakes_.empty()) return std::unexpected(mistakes_);
  // A little longer than the last thing that is said of it.
  if (!ends_) script_.lasts = latest_ + std::chrono::seconds(5);
  script_.site.name = "scenario";
  script_.file = path;
  for (Trouble& t : script_.troubles)
    if (t.lasts == kToTheEnd) t.lasts = script_.lasts - std::min(script_.lasts, t.at);
  for (Expectation& e : script_.expectations) {
    if (e.to == kToTheEnd) e.to = script_.lasts;
    line_ = e.line;
    if (e.to > script_.lasts) mistake(fmt::format("the scenario lasts {} only", time_text(script_.lasts)));
  }
  if (!mistakes_.empty()) return std::unexpected(mistakes_);
  return std::move(script_);
}

}  // namespace

std::expected<Script, std::vector<std::string>> read_scenario(const std::string& path) {
  Reader reader;
  reader.read(path, 0);
  return reader.result(path);
}

}  // namespace linekeeper::sim
