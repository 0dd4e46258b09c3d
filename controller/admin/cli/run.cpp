#include "controller/admin/cli/run.hpp"

#include <fmt/format.h>

#include <ostream>

#include "config/check_files.hpp"
#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"

namespace linekeeper::admin::cli {
namespace {

constexpr std::string_view kDefaultSocket = "/run/linekeeper/control.sock";

int exit_of(const boost::json::value& answer, int http_status) {
  const auto told = integer(field(answer, "error"), "exit");
  if (told && (*told == kError || *told == kUsage || *told == kRefused || *told == kNotVerified || *told == kStale)) return static_cast<int>(*told);
  switch (http_status) {
    case 400:
    case 404:
    case 405: return kUsage;
    case 409: return kRefused;
    case 412: return kStale;
    case 502: return kNotVerified;
    default: return kError;
  }
}

int config_check(const Job& job) {
  const std::string file = job.parsed.operand();
  config::Loaded loaded = config::load(file);
  if (loaded.site) loaded.problems = config::check_files(*loaded.site);
  if (loaded.site && loaded.problems.empty()) {
    job.world.out << config::summary(*loaded.site);
    return kDone;
  }
  return mistakes(job, loaded, file);
}

int completion(const Job& job) {
  if (job.parsed.operand() != "bash") return usage(job, fmt::format("there is no completion for '{}': bash is.", clean(job.parsed.operand())));
  job.world.out << bash_completion();
  return kDone;
}

int version(const Job& job) {
  job.world.out << "linekeeper " << LINEKEEPER_VERSION << " (" << LINEKEEPER_REVISION << ")\n";
  return kDone;
}

int dispatch(const Job& job) {
  switch (job.parsed.command->verb) {
    case Verb::Status: return job.parsed.has("--watch") ? watch(job) : status(job);
    case Verb::Explain: return explain(job);
    case Verb::Paths: return paths(job);
    case Verb::Events: return events(job);
    case Verb::Replay: return replay(job);
    case Verb::Failover: return failover(job);
    case Verb::Hold: return hold(job);
    case Verb::Failback: return failback(job);
    case Verb::Release: return release(job);
    case Verb::Call: return call(job);
    case Verb::Inbound: return inbound(job);
    case Verb::ProbeRun: return probe_run(job);
    case Verb::Reflect: return reflect(job);
    case Verb::Doctor: return examine(job);
    case Verb::ConfigCheck: return config_check(job);
    case Verb::Check: return check(job);
    case Verb::Completion: return completion(job);
    case Verb::Version: return version(job);
  }
  return kError;
}

}  // namespace

Colour World::colour(bool is_terminal) const {
  const auto no_color = variable("NO_COLOR");
  const bool off = !is_terminal || (no_color && !no_color->empty()) || variable("TERM") == "dumb";
  return off ? Colour::Off : Colour::On;
}

int run(const std::vector<std::string>& args, World& world) {
  const auto parsed = parse_command_line(args);
  if (!parsed) {
    world.err << parsed.error();
    return kUsage;
  }
  if (parsed->help) {
    world.out << (parsed->command != nullptr ? command_help(*parsed->command) : general_help());
    return kDone;
  }
  std::string socket = parsed->value("--socket");
  if (socket.empty()) socket = world.variable("LINEKEEPER_SOCKET").value_or("");
  if (socket.empty()) socket = kDefaultSocket;
  const int code = dispatch(Job{.parsed = *parsed, .socket = socket, .world = world});
  world.out.flush();
  if (!world.out && code == kDone) {
    world.err << "linekeeper: the output could not be written\n";
    return kError;
  }
  return code;
}

int unreachable(const Job& job, const Unreachable& why) {
  job.world.err << fmt::format("linekeeper: {}\n  {}\n", clean(why.what), why.remedy);
  return kUnreachable;
}

int refused(const Job& job, const Reply& reply) {
  const boost::json::value answer = parse_json(reply.body).value_or(nullptr);
  const int code = exit_of(answer, reply.status);
  if (job.parsed.has("--json") && answer.is_object()) job.world.out << reply.body << (reply.body.ends_with('\n') ? "" : "\n");
  job.world.err << render_error(answer, code, job.world.colour(job.world.err_is_terminal));
  return code;
}

int mistakes(const Job& job, const config::Loaded& loaded, const std::string& file) {
  for (const auto& problem : loaded.problems) job.world.err << config::describe(problem, file) << "\n";
  job.world.err << fmt::format("{}: {} {}, nothing is loaded\n", file, loaded.problems.size(), loaded.problems.size() == 1 ? "mistake" : "mistakes");
  return kUsage;
}

std::optional<model::WallTime> when(const Job& job, std::string_view text) {
  if (const auto ago = parse_span(text)) return job.world.now() - *ago;
  return runtime::parse_rfc3339(text);
}

int usage(const Job& job, std::string_view what) {
  job.world.err << fmt::format("linekeeper: {}\n  For example: {}\n", what, job.parsed.command->example);
  return kUsage;
}

}  // namespace linekeeper::admin::cli
