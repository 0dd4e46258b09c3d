// The commands that stay: status --watch and events --follow. Both outlive the daemon: they say that it is gone and come back with it.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <ostream>

#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"
#include "controller/admin/cli/run.hpp"
#include "controller/admin/query.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

using Outcome = LiveStream::Outcome;
constexpr std::chrono::seconds kTimeout{10};
constexpr std::chrono::milliseconds kQuiet{5000};  ///< the daemon says something each second
constexpr std::chrono::milliseconds kAgain{1000};

/// Draws over the last picture, line by line, so that nothing flickers.
class Picture {
 public:
  explicit Picture(const Job& job) : job_(job), colour_(job.world.colour(job.world.out_is_terminal)) {}
  void show(const json::value& status) {
    last_ = render_status(status, colour_);
    draw("");
  }
  /// The last picture is old: says so, louder than anything in it.
  void not_live(std::string_view why) { draw(fmt::format("NOT LIVE: {}\n", why)); }

 private:
  void draw(const std::string& banner) {
    std::ostream& out = job_.world.out;
    if (!job_.world.out_is_terminal) {
      out << (banner.empty() ? last_ : banner) << std::endl;
      return;
    }
    std::string text = paint(banner, Tone::Bad, colour_) + last_;
    std::string screen = "\x1b[H";
    for (const char c : text) screen += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
    out << (first_ ? "\x1b[2J" : "") << screen << "\x1b[J" << std::flush;
    first_ = false;
  }
  const Job& job_;
  Colour colour_;
  std::string last_;
  bool first_ = true;
};

void show_status(const Job& job, Picture& picture, const SseMessage& message) {
  if (message.event != "status") return;
  const auto document = parse_json(message.data);
  if (!document || !document->is_object()) return;
  if (job.parsed.has("--json")) {
    job.world.out << message.data << std::endl;
  } else {
    picture.show(*document);
  }
}

bool has_prefix(const json::value& event, const std::string& prefix) { return prefix.empty() || text(event, "id").starts_with(prefix); }

/// Prints what events --follow lets through. @return the sequence to go on from
std::int64_t print_event(const Job& job, const json::value& event, std::int64_t after) {
  const auto sequence = integer(event, "sequence").value_or(after);
  if (!has_prefix(event, job.parsed.value("--id"))) return sequence;
  if (job.parsed.has("--json")) {
    job.world.out << json::serialize(event) << "\n";
  } else {
    job.world.out << render_event(event, job.world.colour(job.world.out_is_terminal));
  }
  job.world.out.flush();
  return sequence;
}

}  // namespace

int watch(const Job& job) {
  if (job.parsed.has("--exit-code")) return usage(job, "--exit-code has no meaning with --watch, which ends by Ctrl-C.");
  Picture picture(job);
  bool ever = false;
  while (!job.world.stopped()) {
    std::optional<Reply> declined;
    auto stream = LiveStream::open(job.socket, "/events", declined);
    if (declined) return refused(job, *declined);
    if (!stream && !ever) return unreachable(job, stream.error());
    ever = true;
    Outcome outcome = stream ? Outcome::Quiet : Outcome::Ended;
    while (stream && outcome != Outcome::Ended && outcome != Outcome::Stopped) {
      SseMessage message;
      outcome = stream->next(message, kQuiet, job.world.stopped);
      if (outcome == Outcome::Message) show_status(job, picture, message);
      if (outcome == Outcome::Quiet) picture.not_live("the daemon has said nothing for 5 s; what follows is the last known");
    }
    if (outcome == Outcome::Ended && !job.world.stopped()) {
      if (!job.parsed.has("--json")) picture.not_live("the daemon is gone, waiting for it; what follows is the last known");
      pause(kAgain, job.world.stopped);
    }
  }
  if (job.world.out_is_terminal) job.world.out << "\n";
  return kDone;
}

int follow(const Job& job, const std::string& since, std::size_t backlog) {
  std::string target = fmt::format("/api/v1/events?limit={}", backlog);
  if (!since.empty()) target += "&since=" + percent_encode(since);
  if (const std::string id = job.parsed.value("--id"); !id.empty()) target += "&id=" + percent_encode(id);
  const auto reply = exchange(job.socket, "GET", target, "", kTimeout);
  if (!reply) return unreachable(job, reply.error());
  if (reply->status != 200) return refused(job, *reply);
  std::int64_t after = 0;
  const json::value past = parse_json(reply->body).value_or(nullptr);
  for (const json::value& event : list(past, "events")) after = print_event(job, event, after);

  bool told = false;
  while (!job.world.stopped()) {
    std::optional<Reply> declined;
    auto stream = LiveStream::open(job.socket, after > 0 ? fmt::format("/api/v1/events/stream?after={}", after) : "/api/v1/events/stream", declined);
    if (declined && declined->status != 503) return refused(job, *declined);
    Outcome outcome = stream && !declined ? Outcome::Quiet : Outcome::Ended;
    if (outcome == Outcome::Quiet) told = false;
    while (outcome != Outcome::Ended && outcome != Outcome::Stopped) {
      SseMessage message;
      outcome = stream->next(message, kQuiet, job.world.stopped);
      if (outcome != Outcome::Message || message.event != "event") continue;
      if (const auto event = parse_json(message.data)) after = print_event(job, *event, after);
    }
    if (outcome != Outcome::Ended || job.world.stopped()) continue;
    if (!std::exchange(told, true)) job.world.err << "linekeeper: the daemon is gone, waiting for it\n";
    pause(kAgain, job.world.stopped);
  }
  return kDone;
}

}  // namespace linekeeper::admin::cli
