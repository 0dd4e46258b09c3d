// The commands that change something: failover, hold, release. On a terminal they show and ask; without one they want --yes.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <istream>
#include <ostream>

#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"
#include "controller/admin/cli/run.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

/// Longer than the daemon gives itself to apply, read back and verify.
constexpr std::chrono::seconds kTimeout{40};

/// @return the act's answer, or an exit code that has been explained
std::expected<json::value, int> post(const Job& job, const std::string& path, const json::object& body, std::string& raw) {
  const auto reply = exchange(job.socket, "POST", path, json::serialize(body), kTimeout);
  if (!reply) return std::unexpected(unreachable(job, reply.error()));
  if (reply->status != 200) return std::unexpected(refused(job, *reply));
  auto answer = parse_json(reply->body);
  if (!answer || !answer->is_object()) {
    job.world.err << "linekeeper: the daemon's answer is not the JSON it should be; whether it acted is not known\n  See:  linekeeper status\n";
    return std::unexpected(kError);
  }
  raw = reply->body;
  return std::move(*answer);
}

int say_done(const Job& job, const json::value& answer, const std::string& raw) {
  if (job.parsed.has("--json")) {
    job.world.out << raw << (raw.ends_with('\n') ? "" : "\n");
  } else {
    job.world.out << render_done(answer, job.world.colour(job.world.out_is_terminal));
  }
  return flag(answer, "done") == false ? kError : kDone;
}

int nobody_to_ask(const Job& job) {
  const bool plan = std::ranges::any_of(job.parsed.command->flags, [](const Flag& f) { return f.name == "--plan"; });
  return usage(
      job, fmt::format("this changes the site, and there is nobody here to ask: add --yes to go ahead{}.", plan ? ", or --plan to only look" : ""));
}

bool agreed(const Job& job) {
  job.world.err << "Go ahead? [y/N] " << std::flush;
  std::string answer;
  if (!std::getline(job.world.in, answer)) job.world.err << "\n";
  if (answer == "y" || answer == "Y" || answer == "yes") return true;
  job.world.err << "Nothing was changed.\n";
  return false;
}

/// Asks when it must. @return an exit code when it does not go ahead
std::optional<int> consent(const Job& job, const std::string& what) {
  if (job.parsed.has("--yes")) return std::nullopt;
  if (!job.world.can_ask()) return nobody_to_ask(job);
  job.world.err << what << "\n";
  return agreed(job) ? std::nullopt : std::optional<int>(kError);
}

std::optional<std::int64_t> seconds_wanted(const Job& job) {
  const auto span = parse_span(job.parsed.value("--for"));
  return span ? std::optional<std::int64_t>(span->count()) : std::nullopt;
}

int bad_span(const Job& job) { return usage(job, fmt::format("--for {} is no time: write 90s, 30m, 2h or 1d.", clean(job.parsed.value("--for")))); }

}  // namespace

int failover(const Job& job) {
  const auto time = seconds_wanted(job);
  if (!time) return bad_span(job);
  const bool plan_only = job.parsed.has("--plan");
  const bool ask = !plan_only && !job.parsed.has("--yes");
  if (ask && !job.world.can_ask()) return nobody_to_ask(job);

  json::array guards;
  if (const auto given = job.parsed.flags.find("--override-guard"); given != job.parsed.flags.end()) {
    for (const std::string& guard : given->second) guards.emplace_back(guard);
  }
  json::object body{{"subject", job.parsed.operand()},        {"to", job.parsed.value("--to")}, {"for_s", *time},
                    {"reason", job.parsed.value("--reason")}, {"plan", plan_only || ask},       {"override_guards", std::move(guards)}};
  std::string raw;
  auto answer = post(job, "/api/v1/failover", body, raw);
  if (!answer) return answer.error();
  if (plan_only) {
    job.world.out << (job.parsed.has("--json") ? raw + (raw.ends_with('\n') ? "" : "\n")
                                               : render_plan(*answer, job.world.colour(job.world.out_is_terminal)));
    return kDone;
  }
  if (ask) {
    job.world.err << render_plan(*answer, job.world.colour(job.world.err_is_terminal));
    if (!agreed(job)) return kError;
    body["plan"] = false;
    answer = post(job, "/api/v1/failover", body, raw);
    if (!answer) return answer.error();
  }
  return say_done(job, *answer, raw);
}

int hold(const Job& job) {
  const auto time = seconds_wanted(job);
  if (!time) return bad_span(job);
  const std::string subject = job.parsed.operand();
  const std::string what = fmt::format("Hold {} for {}: no automatic move, not even away from a dead way.",
                                       subject.empty() ? "everything" : clean(subject), job.parsed.value("--for"));
  if (const auto stop = consent(job, what)) return *stop;
  std::string raw;
  const auto answer = post(job, "/api/v1/hold", {{"subject", subject}, {"for_s", *time}, {"reason", job.parsed.value("--reason")}}, raw);
  return answer ? say_done(job, *answer, raw) : answer.error();
}

int failback(const Job& job) {
  const auto time = seconds_wanted(job);
  if (!time) return bad_span(job);
  const std::string subject = job.parsed.operand();
  if (const auto stop = consent(job, fmt::format("Let {} go back to what it prefers, within {}.", clean(subject), job.parsed.value("--for"))))
    return *stop;
  std::string raw;
  const auto answer = post(job, "/api/v1/failback", {{"subject", subject}, {"for_s", *time}, {"reason", job.parsed.value("--reason")}}, raw);
  return answer ? say_done(job, *answer, raw) : answer.error();
}

int call(const Job& job) {
  const std::string carrier = job.parsed.operand(), circuit = job.parsed.value("--circuit");
  const std::string by = circuit.empty() ? std::string() : " via " + clean(circuit);
  if (const auto stop =
          consent(job, fmt::format("Make a test call by {}{}: the carrier sees it, and may charge for it if it is answered.", clean(carrier), by)))
    return *stop;
  std::string raw;
  const auto answer = post(job, "/api/v1/call", {{"carrier", carrier}, {"circuit", circuit}}, raw);
  if (!answer) return answer.error();
  if (job.parsed.has("--json"))
    job.world.out << raw << (raw.ends_with('\n') ? "" : "\n");
  else
    job.world.out << clean(maybe_text(*answer, "message").value_or("The daemon did not say what became of it.")) << "\n";
  return flag(*answer, "carried") == true ? kDone : kError;
}

int release(const Job& job) {
  const std::string operand = job.parsed.operand();
  std::int64_t id = 0;
  const bool digits = !operand.empty() && std::ranges::all_of(operand, [](char c) { return c >= '0' && c <= '9'; });
  if (digits) {
    const auto [end, error] = std::from_chars(operand.data(), operand.data() + operand.size(), id);
    if (error != std::errc{} || id == 0) return usage(job, fmt::format("'{}' is not the number of an override.", operand));
  }
  const std::string what = operand.empty() ? "Release every override: the site chooses for itself again."
                           : digits        ? fmt::format("Release override {}: it chooses for itself again.", id)
                                           : fmt::format("Release {}: it chooses for itself again.", clean(operand));
  if (const auto stop = consent(job, what)) return *stop;
  std::string raw;
  const json::object body{{"subject", digits ? std::string() : operand}, {"id", id}, {"reason", job.parsed.value("--reason")}};
  const auto answer = post(job, "/api/v1/release", body, raw);
  return answer ? say_done(job, *answer, raw) : answer.error();
}

}  // namespace linekeeper::admin::cli
