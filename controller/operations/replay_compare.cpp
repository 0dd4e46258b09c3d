#include "controller/operations/replay_compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace linekeeper::operations {

using journal::RecordedEvent;
using model::EventId;

namespace {

constexpr std::chrono::seconds kSameDecision{60};   // farther apart it is another decision, however alike
constexpr std::chrono::milliseconds kSameTime{50};  // nearer it is no difference that a person would want to hear of

std::string field(const RecordedEvent& e, std::string_view key) {
  const auto found = std::ranges::find(e.event.fields, key, &std::pair<std::string, std::string>::first);
  return found == e.event.fields.end() ? std::string() : found->second;
}

bool is_move(EventId id) { return id == EventId::RoutingMoved || id == EventId::TrunkMoved; }

/// "voice" of "class voice".
std::string name_of(const RecordedEvent& e) {
  const auto space = e.event.subject.find(' ');
  return space == std::string::npos ? e.event.subject : e.event.subject.substr(space + 1);
}

auto key_of(const RecordedEvent& e) {
  return std::tuple(e.boot_id, e.event.at, static_cast<int>(e.event.id), e.event.subject, field(e, "from"), field(e, "to"));
}

bool alike(const RecordedEvent& a, const RecordedEvent& b) {
  const auto apart = a.event.wall > b.event.wall ? a.event.wall - b.event.wall : b.event.wall - a.event.wall;
  return a.event.id == b.event.id && a.event.subject == b.event.subject && field(a, "from") == field(b, "from") && field(a, "to") == field(b, "to") &&
         apart <= kSameDecision;
}

/// "voice left fiber for coax", "fiber became down".
std::string deed(const RecordedEvent& e) {
  if (!is_move(e.event.id)) {
    const std::string_view id = to_string(e.event.id);
    const auto word = id.substr(id.find('.') + 1);
    return e.event.id == EventId::AllBad ? name_of(e) + " had no way that is well" : fmt::format("{} became {}", name_of(e), word);
  }
  const std::string from = field(e, "from");
  return from.empty() ? fmt::format("{} took {}", name_of(e), field(e, "to")) : fmt::format("{} left {} for {}", name_of(e), from, field(e, "to"));
}

std::string otherwise(const RecordedEvent& e, const Answer& answer) {
  const std::string why = answer.reason.empty() ? "" : " (" + answer.reason + ")";
  if (answer.stands.empty()) return "nothing is decided about it then";
  if (!is_move(e.event.id)) return fmt::format("it is {} then{}", answer.stands, why);
  if (answer.stands == field(e, "to")) return fmt::format("goes by {} already", answer.stands);
  return fmt::format("{} {}{}", answer.stands == field(e, "from") ? "stays on" : "goes by", answer.stands, why);
}

/// What the recording says of the subject at the time of a decision that it does not have.
std::string as_recorded(const std::vector<RecordedEvent>& recorded, const RecordedEvent& e) {
  const RecordedEvent* before = nullptr;
  for (const RecordedEvent& r : recorded)
    if (r.event.subject == e.event.subject && is_move(r.event.id) == is_move(e.event.id) && r.event.wall <= e.event.wall) before = &r;
  if (is_move(e.event.id)) {
    const std::string stood = before != nullptr ? field(*before, "to") : field(e, "from");
    return stood.empty() ? "it did not move" : "it stayed on " + stood;
  }
  if (before == nullptr) return "nothing was said of it";
  const std::string_view id = to_string(before->event.id);
  return fmt::format("it was {}", id.substr(id.find('.') + 1));
}

}  // namespace

std::string clock_of(model::WallTime t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::hh_mm_ss time(t - day);
  return fmt::format("{:02}:{:02}:{:02}.{}", time.hours().count(), time.minutes().count(), time.seconds().count(), time.subseconds().count() / 100);
}

std::vector<RecordedEvent> comparable(const std::vector<RecordedEvent>& recorded, const std::vector<Covered>& covered, model::WallTime since,
                                      model::WallTime until) {
  std::vector<RecordedEvent> kept;
  for (const RecordedEvent& e : recorded) {
    if (!told_by_the_judge(e.event.id)) continue;
    const auto in =
        std::ranges::find_if(covered, [&](const Covered& c) { return c.boot_id == e.boot_id && c.first <= e.event.at && e.event.at <= c.last; });
    if (in == covered.end()) continue;
    RecordedEvent one = e;
    one.event.wall = in->wall + std::chrono::floor<std::chrono::milliseconds>(e.event.at - in->first);
    if (one.event.wall >= since && one.event.wall <= until) kept.push_back(std::move(one));
  }
  return kept;
}

Comparison compare_exactly(const std::vector<RecordedEvent>& recorded, const Story& replayed) {
  Comparison result{.decisions = recorded.size()};
  std::vector<std::tuple<decltype(key_of(recorded[0])), const RecordedEvent*>> left;
  for (const RecordedEvent& e : replayed.events) left.emplace_back(key_of(e), &e);
  std::ranges::sort(left);
  std::vector<bool> met(left.size(), false);
  for (const RecordedEvent& r : recorded) {
    const auto key = key_of(r);
    auto i =
        static_cast<std::size_t>(std::ranges::lower_bound(left, key, {}, [](const auto& l) -> const auto& { return std::get<0>(l); }) - left.begin());
    while (i < left.size() && std::get<0>(left[i]) == key && met[i]) ++i;
    if (i < left.size() && std::get<0>(left[i]) == key) {
      met[i] = true;
      ++result.equal;
    } else {
      result.differences.push_back(
          {r.event.wall, r.event.subject, fmt::format("{} as recorded: {}. Decided again: not so.", clock_of(r.event.wall), deed(r))});
    }
  }
  for (std::size_t i = 0; i < left.size(); ++i)
    if (const RecordedEvent& e = *std::get<1>(left[i]); !met[i])
      result.differences.push_back(
          {e.event.wall, e.event.subject, fmt::format("{} decided again: {}. As recorded: not so.", clock_of(e.event.wall), deed(e))});
  std::ranges::sort(result.differences, {}, [](const Difference& d) { return std::tie(d.wall, d.subject, d.sentence); });
  return result;
}

bool worth_comparing(EventId id) {
  return is_move(id) || id == EventId::AllBad || (id >= EventId::CircuitUp && id <= EventId::CircuitUnknown) ||
         (id >= EventId::CarrierUp && id <= EventId::CarrierUnknown);
}

std::vector<Question> questions_of(const std::vector<RecordedEvent>& recorded) {
  std::vector<Question> questions;
  for (const RecordedEvent& e : recorded)
    questions.push_back({.boot_id = e.boot_id,
                         .at = e.event.at,
                         .subject = e.event.subject,
                         .about = e.event.id == EventId::RoutingMoved       ? field(e, "from")
                                  : e.event.subject.starts_with("circuit ") ? name_of(e)
                                                                            : ""});
  return questions;
}

Comparison compare(const std::vector<RecordedEvent>& recorded, const Story& replayed, std::string_view label) {
  Comparison result{.decisions = recorded.size()};
  std::vector<const RecordedEvent*> left;
  for (const RecordedEvent& e : replayed.events)
    if (worth_comparing(e.event.id)) left.push_back(&e);
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    const RecordedEvent& r = recorded[i];
    const auto match = std::ranges::find_if(left, [&](const RecordedEvent* p) { return p != nullptr && alike(r, *p); });
    std::string how;
    if (match == left.end()) {
      how = otherwise(r, i < replayed.answers.size() ? replayed.answers[i] : Answer{});
    } else {
      const auto later = (*match)->event.wall - r.event.wall;
      const auto at = (*match)->event.wall;
      *match = nullptr;
      if (later < kSameTime && -later < kSameTime) {
        ++result.equal;
        continue;
      }
      const double apart = std::abs(std::chrono::duration<double>(later).count());
      how = fmt::format("{:.1f} s {}, at {}", apart, later.count() > 0 ? "later" : "earlier", clock_of(at));
    }
    result.differences.push_back(
        {r.event.wall, r.event.subject, fmt::format("{} as recorded: {}. With {}: {}.", clock_of(r.event.wall), deed(r), label, how)});
  }
  for (const RecordedEvent* p : left) {
    if (p == nullptr) continue;
    std::string why = p->event.text;
    if (why.ends_with('.')) why.pop_back();
    result.differences.push_back(
        {p->event.wall, p->event.subject,
         fmt::format("{} with {}: {} ({}). As recorded: {}.", clock_of(p->event.wall), label, deed(*p), why, as_recorded(recorded, *p))});
  }
  std::ranges::sort(result.differences, {}, [](const Difference& d) { return std::tie(d.wall, d.subject, d.sentence); });
  return result;
}

}  // namespace linekeeper::operations
