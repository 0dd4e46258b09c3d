// Lines of a scenario file that say what befalls whom.
#include "tests/sim/scenario_attributes.hpp"
#include "tests/sim/scenario_lines.hpp"

namespace linekeeper::sim {

using model::Duration;

namespace {

/// Whom it befalls, by name; what is left of the words comes after.
void aim(Trouble& t, Words& words, const model::Site& site) {
  const auto by_circuit = [&](std::string_view link) {
    t.everywhere = words.size() < 2 || words[0] != link;
    if (t.everywhere) return;
    t.b = position_of(site.circuits, words[1], "circuit");
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
    case Aim::Traffic:
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

void how_long(Trouble& t, Words& words) {
  while (words.size() >= 2) {
    const std::string& what = words[0];
    const std::string& value = words[1];
    if (what == "for") {
      t.lasts = since_the_beginning(value);
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

/// Everything that is the matter with it ends.
void well(Duration when, const Trouble& whom, Script& script) {
  bool any = false;
  for (Trouble& t : script.troubles) {
    if (kind_of(t.fault).subject != kind_of(whom.fault).subject || t.at >= when) continue;
    if (t.everywhere == whom.everywhere && (t.everywhere && kind_of(t.fault).aim == Aim::Circuit ? false : t.a != whom.a)) continue;
    if (t.lasts != kToTheEnd && t.at + t.lasts <= when) continue;
    t.lasts = when - t.at;
    any = true;
  }
  if (!any) throw Mistake{"nothing was the matter with it"};
}

}  // namespace

Duration read_trouble(Duration when, Words words, Script& script) {
  const model::Site& site = script.site;
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
    throw Mistake{fmt::format("\"{}\" is not understood: it should name whom and what, as circuit fiber black-hole", words_from(words, 0))};
  if (subject == "circuit" && !every) t.a = position_of(site.circuits, words[1], "circuit");
  if (subject == "target") t.a = position_of(site.targets, words[1], "target");
  if (subject == "carrier") t.a = position_of(site.carriers, words[1], "carrier");
  if (subject == "class") t.a = position_of(site.classes, words[1], "class");
  if (subject == "trunk") t.a = position_of(site.trunks, words[1], "trunk");
  if (subject == "pbx") t.a = position_of(site.pbxs, words[1], "pbx");
  words = words.subspan(nobody ? 1 : 2);
  if (words.empty()) throw Mistake{fmt::format("what is it about the {}?", subject)};
  if (words[0] == "well" && words.size() == 1) {
    t.fault = std::ranges::find(fault_kinds(), subject, &FaultKind::subject)->fault;
    well(when, t, script);
    return when;
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
  aim(t, words, site);
  how_long(t, words);
  t.serial = static_cast<int>(script.troubles.size());
  script.troubles.push_back(t);
  return t.lasts == kToTheEnd ? when : when + t.lasts;
}

}  // namespace linekeeper::sim
