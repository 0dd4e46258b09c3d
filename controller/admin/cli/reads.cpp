// The commands that only ask.
#include <fmt/format.h>

#include <charconv>
#include <ostream>

#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"
#include "controller/admin/cli/run.hpp"
#include "controller/admin/query.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

constexpr std::chrono::seconds kTimeout{10};
constexpr std::int64_t kSchema = 1;
constexpr std::size_t kEventsMost = 10000;
constexpr std::size_t kBacklog = 10;  ///< what --follow shows of the past, as tail(1) does

/// A document of the daemon, or the exit code that says why there is none.
std::expected<json::value, int> fetch(const Job& job, const std::string& target, std::string& body) {
  const auto reply = exchange(job.socket, "GET", target, "", kTimeout);
  if (!reply) return std::unexpected(unreachable(job, reply.error()));
  if (reply->status != 200) return std::unexpected(refused(job, *reply));
  auto document = parse_json(reply->body);
  if (!document || !document->is_object()) {
    job.world.err
        << "linekeeper: the daemon's answer is not the JSON it should be\n  Are the program and the daemon of one version?  linekeeper version\n";
    return std::unexpected(kError);
  }
  if (const auto schema = integer(*document, "schema"); schema && *schema > kSchema) {
    job.world.err << "linekeeper: the daemon is newer than this program, some of what it says may be missing\n";
  }
  body = reply->body;
  return std::move(*document);
}

template <class Render>
int show(const Job& job, const std::string& target, Render render) {
  std::string body;
  const auto document = fetch(job, target, body);
  if (!document) return document.error();
  if (job.parsed.has("--json")) {
    job.world.out << body << (body.ends_with('\n') ? "" : "\n");
  } else {
    job.world.out << render(*document, job.world.colour(job.world.out_is_terminal));
  }
  return job.parsed.has("--exit-code") ? status_exit_code(*document) : kDone;
}

}  // namespace

int status(const Job& job) { return show(job, "/api/v1/status", render_status); }

int paths(const Job& job) { return show(job, "/api/v1/status", render_paths); }

int inbound(const Job& job) {
  return show(job, "/api/v1/inbound", [](const json::value& document, Colour) { return render_inbound(document); });
}

int explain(const Job& job) {
  const std::string subject = job.parsed.operand();
  const std::string target = "/api/v1/explain" + (subject.empty() ? "" : "?subject=" + percent_encode(subject));
  return show(job, target, [](const json::value& document, Colour) { return render_explain(document); });
}

int events(const Job& job) {
  std::string since = job.parsed.value("--since");
  if (!since.empty()) {
    if (const auto moment = when(job, since)) {
      since = runtime::rfc3339(*moment);
    } else {
      return usage(job, fmt::format("--since {} is neither a time ago (10m, 2h) nor a moment (2026-11-22T02:00:00Z).", clean(since)));
    }
  }
  std::size_t limit = 0;
  if (job.parsed.has("--limit")) {
    const std::string given = job.parsed.value("--limit");
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), limit);
    if (error != std::errc{} || end != given.data() + given.size() || limit < 1 || limit > kEventsMost) {
      return usage(job, fmt::format("--limit {} is not a number from 1 to {}.", clean(given), kEventsMost));
    }
  }
  if (job.parsed.has("--follow")) return follow(job, since, limit > 0 ? limit : since.empty() ? kBacklog : kEventsMost);

  std::string target = "/api/v1/events";
  char join = '?';
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) target += fmt::format("{}{}={}", std::exchange(join, '&'), key, percent_encode(value));
  };
  add("since", since);
  add("id", job.parsed.value("--id"));
  add("limit", limit > 0 ? std::to_string(limit) : "");
  return show(job, target, [](const json::value& document, Colour colour) {
    std::string out;
    for (const json::value& event : list(document, "events")) out += render_event(event, colour);
    return out;
  });
}

int check(const Job& job) {
  const auto reply = exchange(job.socket, "GET", "/api/v1/status", "", kTimeout);
  const auto document = reply && reply->status == 200 ? parse_json(reply->body) : std::nullopt;
  if (!document) {
    job.world.out << "LINEKEEPER UNKNOWN - " << (reply ? fmt::format("the daemon answered {}", reply->status) : clean(reply.error().what)) << "\n";
    return 3;  // the plugin API's UNKNOWN
  }
  int code = 3;
  job.world.out << render_nagios(*document, code);
  return code;
}

}  // namespace linekeeper::admin::cli
