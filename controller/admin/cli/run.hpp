#pragma once
// The program `linekeeper`, with everything it touches given to it: arguments, streams, terminal, environment, clock.
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "config/loader.hpp"
#include "controller/admin/cli/client.hpp"
#include "controller/admin/cli/command_line.hpp"
#include "controller/admin/cli/words.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::admin::cli {

/// What a process ends with (README).
// Unscoped, because they are the int that main returns; so the k.
// NOLINTNEXTLINE(readability-identifier-naming)
enum Exit : int { kDone = 0, kError = 1, kUsage = 2, kUnreachable = 3, kRefused = 4, kNotVerified = 5, kStale = 6 };

struct World {
  std::ostream& out;  ///< data
  std::ostream& err;  ///< everything said to a person about how it goes
  std::istream& in;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool in_is_terminal = false;
  std::function<std::optional<std::string>(const char*)> variable;  ///< getenv
  std::function<model::WallTime()> now;
  Stopped stopped;

  /// NO_COLOR (no-color.org), TERM=dumb and anything that is no terminal: no colour.
  [[nodiscard]] Colour colour(bool is_terminal) const;
  /// Is there a person to ask?
  [[nodiscard]] bool can_ask() const { return in_is_terminal && err_is_terminal; }
};

/// @return the exit code
int run(const std::vector<std::string>& args, World& world);

/// One command, already parsed, against one socket.
struct Job {
  const Parsed& parsed;
  std::string socket;
  World& world;
};

int status(const Job& job);
int explain(const Job& job);
int paths(const Job& job);
int inbound(const Job& job);
int events(const Job& job);
int check(const Job& job);
int replay(const Job& job);
int probe_run(const Job& job);
int failover(const Job& job);
int hold(const Job& job);
int failback(const Job& job);
int release(const Job& job);
int call(const Job& job);
int reflect(const Job& job);
int examine(const Job& job);
int watch(const Job& job);
int follow(const Job& job, const std::string& since, std::size_t backlog);

// Shared by the commands.
int unreachable(const Job& job, const Unreachable& why);
/// Says what the daemon refused. @return exit code
int refused(const Job& job, const Reply& reply);
int usage(const Job& job, std::string_view what);
/// "10m" (ago) or a moment. Nothing for anything else.
std::optional<model::WallTime> when(const Job& job, std::string_view text);
/// Says every mistake of a configuration. @return exit code
int mistakes(const Job& job, const config::Loaded& loaded, const std::string& file);

}  // namespace linekeeper::admin::cli
