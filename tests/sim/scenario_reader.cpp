#include "tests/sim/scenario_reader.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/sim/scenario_attributes.hpp"
#include "tests/sim/scenario_lines.hpp"

namespace linekeeper::sim {

using model::Duration;

std::string words_from(Words words, std::size_t from) { return fmt::format("{}", fmt::join(words.subspan(std::min(from, words.size())), " ")); }

Duration since_the_beginning(std::string_view text) {
  const auto t = time_of(text);
  if (!t || *t < Duration::zero()) throw Mistake{fmt::format("\"{}\" is no time since the beginning; as 10s or 1m30s", text)};
  return *t;
}

namespace {

constexpr std::string_view kKinds[] = {"mixed", "one-target", "blackout", "restarts", "quiet"};

class Reader {
 public:
  void read(const std::string& path, int depth);
  std::expected<Script, std::vector<std::string>> result(const std::string& path);

 private:
  void line(Words words);
  bool run_line(Words words);
  void at(Words words);
  void expect(Duration from, Duration to, Words words);
  void mistake(const std::string& what) { mistakes_.push_back(fmt::format("{}:{}: {}", file_, line_, what)); }

  Script script_;
  std::string file_;
  int line_ = 0, depth_ = 0;
  bool ends_ = false;  // the file says how long it lasts
  Duration latest_{};
  std::vector<std::string> mistakes_;
};

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
    const Duration from = since_the_beginning(words[1]), to = words[3] == "end" ? kToTheEnd : since_the_beginning(words[3]);
    if (to <= from) throw Mistake{fmt::format("{} is not after {}", words[3], words[1])};
    return expect(from, to, words.subspan(4));
  }
  if (what == "expect") return expect(Duration::zero(), kToTheEnd, words.subspan(1));
  if (words.size() < 2) throw Mistake{fmt::format("\"{}\" says nothing, or too little", what)};
  if (what == "include") {
    if (depth_ > 3) throw Mistake{"files include each other"};
    return read((std::filesystem::path(file_).parent_path() / words[1]).string(), depth_ + 1);
  }
  if (run_line(words) || read_site_line(words, script_)) return;
  throw Mistake{
      fmt::format("\"{}\" is unknown; a line begins with at, from, expect, include, seed, lasts, kind, plant, target, circuit, carrier, class, "
                  "pbx, trunk, probing, judge-circuits or judge-carriers",
                  what)};
}

/// Of the run itself. @return false: the line is about something else
bool Reader::run_line(Words words) {
  const std::string& what = words[0];
  if (what == "seed") {
    const auto n = whole_of(words[1]);
    if (!n || *n < 0) throw Mistake{fmt::format("seed \"{}\" is no whole number", words[1])};
    script_.seed = static_cast<std::uint64_t>(*n);
  } else if (what == "lasts") {
    script_.lasts = since_the_beginning(words[1]);
    ends_ = true;
  } else if (what == "kind") {
    const auto* const k = std::ranges::find(kKinds, words[1]);
    if (k == std::end(kKinds)) throw Mistake{fmt::format("kind \"{}\" is unknown; one of: {}", words[1], fmt::join(kKinds, ", "))};
    script_.kind = static_cast<Kind>(k - std::begin(kKinds));
  } else if (what == "plant") {
    const auto bug = std::ranges::find(planted_bugs(), words[1], &PlantedBug::name);
    if (bug == planted_bugs().end()) throw Mistake{fmt::format("\"{}\" is no planted bug; see sim --planted", words[1])};
    script_.bug = bug->bug;
  } else {
    return false;
  }
  return true;
}

void Reader::at(Words words) {
  if (words.size() < 3) throw Mistake{"it should be: at 10s SOMETHING"};
  const Duration when = since_the_beginning(words[1]);
  latest_ = std::max(latest_, when);
  const Words rest = words.subspan(2);
  // What is, and what happens: a class or a trunk that is named, or "is", makes it an expectation.
  const auto named = [&](const auto& list) { return std::ranges::any_of(list, [&](const auto& x) { return x.name == rest[0]; }); };
  const bool is = rest.size() > 2 && rest[2] == "is";
  if (named(script_.site.classes) || named(script_.site.trunks) || is || rest[0] == "diagnosis" || rest[0] == "says" || rest[0] == "never")
    return expect(when, when, rest);
  latest_ = std::max(latest_, read_trouble(when, rest, script_));
}

void Reader::expect(Duration from, Duration to, Words words) {
  if (to != kToTheEnd) latest_ = std::max(latest_, to);
  script_.expectations.push_back(read_expectation(from, to, words, line_, script_.site));
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
