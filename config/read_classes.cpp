#include <fmt/format.h>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

/// The best R there is with a codec: nothing lost, no delay (ITU-T G.107 defaults, less Ie of G.113 Appendix I).
double best_r(model::Codec codec) { return codec == model::Codec::G729A ? 93.2 - 11 : 93.2; }

void read_match(Section& owner, Reading& reading, model::ClassMatch& match) {
  const toml::table* table = owner.table("match");
  if (table == nullptr) return;
  Section section(reading.problems, *table, "match", owner.label() + " match", owner.path() + ".match");
  if (table->empty()) {
    owner.complain("match", fmt::format("{} match has no condition", owner.label()),
                   "leave match out for \"everything else\", or name a mark, source, incoming_interface or destinations");
  }
  if (const auto mark = section.integer("mark")) match.mark = static_cast<std::uint32_t>(*mark);
  if (const auto source = section.text("source")) match.source = *model::Prefix::parse(*source);
  match.incoming_interface = section.text("incoming_interface");
  match.destinations = read_destinations(section, "destinations");
  section.finish();
}

/// One measure of [class.limits] with what it is worth where a circuit is left, and where it is good enough again.
struct Edge {
  std::string enter, exit;              ///< keys
  std::string enter_shown, exit_shown;  ///< values
  bool apart;                           ///< enter is worse than exit
  const char* worse;                    ///< "above" or "below"
};

/// Leaving must take more than staying away does: at one value for both, a circuit just there is left and taken again for ever.
void check_edge(const Section& section, const Problems& problems, const Edge& edge) {
  if (edge.apart || problems.mention(section.path() + "." + edge.enter) || problems.mention(section.path() + "." + edge.exit)) return;
  const std::string& at = section.has(edge.enter) ? edge.enter : edge.exit;
  section.complain(
      at, fmt::format("{} {} {} is not {} {} {}", section.label(), edge.enter, edge.enter_shown, edge.worse, edge.exit, edge.exit_shown),
      fmt::format("{0} {1} {2}: what is left at one value must be better than that before it is taken again", edge.enter, edge.worse, edge.exit));
}

void check_r(const Section& section, const Problems& problems, const model::TrafficClass& steered, const model::QualityLimits& limits) {
  for (const char* key : {"r_enter", "r_exit"}) {
    if (steered.codec != model::Codec::None || !section.has(key)) continue;
    section.complain(key, fmt::format("{} has {}, but the class has no codec", section.label(), key),
                     R"(name the codec of its calls, like codec = "g711", or leave it out: R is of voice)");
  }
  if (steered.codec == model::Codec::None) return;
  check_edge(section, problems,
             {"r_enter", "r_exit", fmt::format("{}", limits.r_enter), fmt::format("{}", limits.r_exit), limits.r_enter < limits.r_exit, "below"});
  if (limits.r_exit < best_r(steered.codec)) return;
  section.complain("r_exit",
                   fmt::format("{} r_exit {} is never reached: calls in {} have {:.1f} at best", section.label(), limits.r_exit,
                               word_of(steered.codec), best_r(steered.codec)),
                   fmt::format("an r_exit below {:.1f}, with room for some delay", best_r(steered.codec)));
}

/// [class.limits]; left out: the usual ones of voice, where there is voice.
/// @pre the codec has been read
void read_limits(Section& owner, Reading& reading, model::TrafficClass& steered) {
  const bool none = owner.says_none("limits");
  const toml::table* table = none ? nullptr : owner.table("limits");
  if (table == nullptr) {
    if (!none && steered.codec != model::Codec::None) steered.limits.emplace();
    return;
  }
  Section section(reading.problems, *table, "limits", owner.label() + " limits", owner.path() + ".limits");
  model::QualityLimits& limits = steered.limits.emplace();
  section.number("loss_enter", limits.loss_enter);
  section.number("loss_exit", limits.loss_exit);
  section.duration("rtt_enter", limits.rtt_enter);
  section.duration("rtt_exit", limits.rtt_exit);
  section.number("r_enter", limits.r_enter);
  section.number("r_exit", limits.r_exit);
  section.finish();
  const auto loss = [](double ratio) { return fmt::format("{}", ratio); };
  check_edge(section, reading.problems,
             {"loss_enter", "loss_exit", loss(limits.loss_enter), loss(limits.loss_exit), limits.loss_enter > limits.loss_exit, "above"});
  check_edge(section, reading.problems,
             {"rtt_enter", "rtt_exit", show(limits.rtt_enter), show(limits.rtt_exit), limits.rtt_enter > limits.rtt_exit, "above"});
  if (!reading.problems.mention(owner.path() + ".codec")) check_r(section, reading.problems, steered, limits);
}

void read_class(Section& section, Reading& reading, model::TrafficClass& steered, std::size_t position) {
  const auto& circuits = reading.site.circuits;
  steered.circuits = references(section, "circuits", "circuit", names_of(circuits), by_priority<model::CircuitId>(circuits));
  steered.table = static_cast<std::uint32_t>(section.integer("table").value_or(static_cast<std::int64_t>(7200 + position)));
  FamilyWish wish{.families = {model::Family::V4, model::Family::V6}, .gateway6 = {}};
  wish.read(section, static_cast<std::uint32_t>(7400 + position));
  reading.class_families.push_back(std::move(wish));
  section.duration("rto", steered.rto);
  if (const auto codec = section.text("codec")) steered.codec = *codec_named(*codec);
  read_limits(section, reading, steered);
  steered.drain = reading.site.connections.drain;
  section.duration("drain", steered.drain);
  section.flag("avoid_metered", steered.avoid_metered);
  bool share = false;
  section.flag("share", share);
  if (share) reading.shared_classes.insert(position);
  if (const auto failback = section.text("failback")) steered.failback = *parse_failback(*failback);
  read_match(section, reading, steered.match);
  section.finish();
}

}  // namespace

void read_classes(Section& root, Reading& reading) {
  read_list(root, reading, "class", kMaxClasses, reading.site.classes, reading.classes,
            [&](Section& section, model::TrafficClass& steered, std::size_t position) { read_class(section, reading, steered, position); });
}

}  // namespace linekeeper::config
