// `linekeeper replay`: reads the journal's file itself and decides again what it holds. Twice, when asked about another configuration: as then, to
// know what to ask about; and with the other one.
#include "controller/operations/replay.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <map>
#include <ostream>

#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"
#include "controller/admin/cli/run.hpp"
#include "controller/journal/recording.hpp"
#include "controller/operations/replay_compare.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

using journal::Recording;
using operations::Comparison;
using operations::Story;

constexpr const char* kConfiguration = "/etc/linekeeper/linekeeper.toml";
constexpr std::chrono::seconds kMargin{2};  // between the clock at a decision and at its telling
constexpr int kDiffers = 10;

struct Asked {
  model::WallTime since{}, until{};
  std::string file;      ///< of the other configuration; empty: none
  model::SitePtr other;  ///< it
};

int failed(const Job& job, const model::Error& error) {
  job.world.err << fmt::format("linekeeper: {}\n", clean(error.what));
  if (!error.remedy.empty()) job.world.err << fmt::format("  {}\n", clean(error.remedy));
  return kError;
}

/// Named outright, or by the configuration the daemon has, or by the one that is asked about.
std::string journal_of(const Job& job, const model::SitePtr& other) {
  if (job.parsed.has("--journal")) return job.parsed.value("--journal");
  if (const auto named = job.world.variable("LINEKEEPER_JOURNAL"); named && !named->empty()) return *named;
  if (const auto loaded = config::load(kConfiguration); loaded.site) return loaded.site->endpoints.journal;
  return other ? other->endpoints.journal : model::Endpoints{}.journal;
}

/// @return an exit code when something is wrong with what was asked
std::optional<int> understand(const Job& job, Asked& asked) {
  asked.until = job.world.now();
  for (const auto& [flag, out] : {std::pair{"--since", &asked.since}, std::pair{"--until", &asked.until}}) {
    if (!job.parsed.has(flag)) continue;
    const auto moment = when(job, job.parsed.value(flag));
    if (!moment)
      return usage(job,
                   fmt::format("{} {} is neither a time ago (10m, 2h) nor a moment (2026-11-22T02:00:00Z).", flag, clean(job.parsed.value(flag))));
    *out = *moment;
  }
  if (asked.since >= asked.until) return usage(job, "--since is not before --until.");
  asked.file = job.parsed.value("--config");
  if (asked.file.empty()) return std::nullopt;
  config::Loaded loaded = config::load(asked.file);
  if (!loaded.site) return mistakes(job, loaded, asked.file);
  asked.other = std::make_shared<const model::Site>(std::move(*loaded.site));
  return std::nullopt;
}

/// Configurations as they were, by their sha256.
class Configurations {
 public:
  explicit Configurations(Recording& recording) : recording_(recording) {}
  model::SitePtr operator()(const std::string& sha256) {
    const auto known = sites_.find(sha256);
    if (known != sites_.end()) return known->second;
    auto& site = sites_[sha256];
    const auto text = recording_.configuration(sha256);
    if (!text || !*text) return site;
    if (auto loaded = config::parse(**text, "the configuration of then"); loaded.site)
      site = std::make_shared<const model::Site>(std::move(*loaded.site));
    return site;
  }

 private:
  Recording& recording_;
  std::map<std::string, model::SitePtr> sites_;
};

model::Result<Story> decide(Recording& recording, operations::Replay::Settings settings) {
  const auto since = settings.since, until = settings.until;
  operations::Replay replay(std::move(settings));
  const auto read = recording.blocks(since, until, [&](const journal::RecordedBlock& stored) {
    if (const auto block = journal::decode_block(stored.bytes))
      replay.feed(stored, *block);
    else
      replay.damaged(stored, block.error().what);
  });
  if (!read) return std::unexpected(read.error());
  return replay.finish();
}

json::object service_json(const operations::ServiceStory& s) {
  return {{"moves", s.moves},
          {"needless", s.plane == operations::Plane::Routing ? json::value(s.needless) : json::value()},
          {"silent_s", model::seconds(s.silent)}};
}

json::array services_json(const Story& then, const Story* other) {
  json::array all;
  const auto add = [&](const operations::ServiceStory& s) -> json::object& {
    for (json::value& known : all)
      if (known.at("name") == json::value(s.name) && known.at("plane") == json::value(s.plane == operations::Plane::Routing ? "routing" : "trunk"))
        return known.as_object();
    all.emplace_back(json::object{
        {"plane", s.plane == operations::Plane::Routing ? "routing" : "trunk"}, {"name", s.name}, {"then", nullptr}, {"other", nullptr}});
    return all.back().as_object();
  };
  for (const auto& s : then.services) add(s)["then"] = service_json(s);
  if (other != nullptr)
    for (const auto& s : other->services) add(s)["other"] = service_json(s);
  return all;
}

json::array events_json(const Story& story) {
  json::array all;
  for (const auto& [event, boot] : story.events) {
    json::object fields;
    for (const auto& [key, value] : event.fields) fields[key] = value;
    all.emplace_back(json::object{{"time", runtime::rfc3339(event.wall)},
                                  {"id", to_string(event.id)},
                                  {"severity", to_string(severity(event.id))},
                                  {"subject", event.subject},
                                  {"text", event.text},
                                  {"main", operations::worth_comparing(event.id)},
                                  {"fields", std::move(fields)}});
  }
  return all;
}

json::object report(const Asked& asked, const Story& then, const Story* other, const Comparison& comparison) {
  const Story& told = other != nullptr ? *other : then;
  json::array differences, remarks;
  for (const auto& d : comparison.differences)
    differences.emplace_back(json::object{{"time", runtime::rfc3339(d.wall)}, {"subject", d.subject}, {"text", d.sentence}});
  for (const auto& r : told.remarks) remarks.emplace_back(r);
  return {{"schema", 1},
          {"since", runtime::rfc3339(asked.since)},
          {"until", runtime::rfc3339(asked.until)},
          {"config", other != nullptr ? json::value(asked.file) : json::value()},
          {"observations", static_cast<std::int64_t>(told.observations)},
          {"starts", told.starts},
          {"remarks", std::move(remarks)},
          {"services", services_json(then, other)},
          {"events", events_json(told)},
          {"compared", static_cast<std::int64_t>(comparison.decisions)},
          {"equal", static_cast<std::int64_t>(comparison.equal)},
          {"differences", std::move(differences)}};
}

/// Is there anything to decide? @return why not
std::optional<model::Error> nothing_there(const Asked& asked, const std::optional<Recording::Extent>& extent) {
  if (!extent)
    return model::Error{"nothing is recorded yet",
                        "The daemon writes what it observes every five seconds: is it running?  systemctl status linekeeper", 0};
  if (asked.until < extent->from || asked.since > extent->to + std::chrono::seconds(10))
    return model::Error{
        "nothing is recorded of that time",
        fmt::format("The recording goes from {} to {}", moment_words(runtime::rfc3339(extent->from)), moment_words(runtime::rfc3339(extent->to))), 0};
  return std::nullopt;
}

int say(const Job& job, const json::object& document, bool differs) {
  if (job.parsed.has("--json"))
    job.world.out << json::serialize(document) << "\n";
  else
    job.world.out << render_replay(document, job.world.colour(job.world.out_is_terminal));
  return differs && job.parsed.has("--exit-code") ? kDiffers : kDone;
}

}  // namespace

int replay(const Job& job) {
  Asked asked;
  if (const auto wrong = understand(job, asked)) return *wrong;
  auto recording = Recording::open(journal_of(job, asked.other));
  if (!recording) return failed(job, recording.error());
  const auto extent = recording->extent();
  if (!extent) return failed(job, extent.error());
  if (const auto why = nothing_there(asked, *extent)) return failed(job, *why);
  const auto events = recording->events(asked.since - kMargin, asked.until + kMargin);
  if (!events) return failed(job, events.error());

  Configurations configurations(*recording);
  auto then = decide(*recording, {.site = [&](const std::string& sha) { return configurations(sha); }, .since = asked.since, .until = asked.until});
  if (!then) return failed(job, then.error());
  if ((*extent)->from > asked.since)
    then->remarks.insert(then->remarks.begin(), "The recording begins at " + moment_words(runtime::rfc3339((*extent)->from)) + ".");
  auto recorded = operations::comparable(*events, then->covered, asked.since, asked.until);
  const Comparison same = operations::compare_exactly(recorded, *then);
  if (!asked.other) {
    if (then->covered.empty()) {
      for (const auto& r : then->remarks) job.world.err << fmt::format("linekeeper: {}\n", clean(r));
      return failed(job, {"nothing of that time can be decided again", "Give the configuration that was in force with --config FILE", 0});
    }
    return say(job, report(asked, *then, nullptr, same), !same.differences.empty());
  }

  std::erase_if(recorded, [](const auto& e) { return !operations::worth_comparing(e.event.id); });
  auto other = decide(*recording, {.site = [&](const std::string&) { return asked.other; },
                                   .since = asked.since,
                                   .until = asked.until,
                                   .own_wakes = true,
                                   .questions = operations::questions_of(recorded)});
  if (!other) return failed(job, other.error());
  if (!same.differences.empty())
    other->remarks.push_back(
        fmt::format("With the configuration of then too this program decides {} of {} otherwise than was recorded; see: replay without --config.",
                    same.differences.size(), same.decisions));
  if (then->covered.empty()) other->remarks.insert(other->remarks.end(), then->remarks.begin(), then->remarks.end());
  const Comparison comparison = operations::compare(recorded, *other, std::filesystem::path(asked.file).filename().string());
  return say(job, report(asked, *then, &*other, comparison), !comparison.differences.empty());
}

}  // namespace linekeeper::admin::cli
