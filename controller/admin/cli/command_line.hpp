#pragma once
// The command line as a table: parser, help and completion are all read from it, so they cannot disagree. Pure.
#include <expected>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linekeeper::admin::cli {

enum class Verb : std::uint8_t {
  Status,
  Explain,
  Paths,
  Events,
  Replay,
  Failover,
  Hold,
  Failback,
  Release,
  Call,
  Inbound,
  ProbeRun,
  Reflect,
  Doctor,
  ConfigCheck,
  Check,
  Completion,
  Version
};

struct Flag {
  std::string_view name;   ///< "--reason"
  std::string_view value;  ///< "TEXT"; empty for a switch
  std::string_view help;
  bool required = false;
  bool repeats = false;
};

struct Command {
  Verb verb;
  std::string_view name;     ///< "failover", "config check"
  std::string_view operand;  ///< "SUBJECT", "[SUBJECT]", "KIND [TARGET]", ""
  std::string_view summary;  ///< one line
  std::string_view detail;   ///< paragraphs for its own help, may be empty
  std::span<const Flag> flags;
  std::string_view example;  ///< a complete command
};

[[nodiscard]] std::span<const Command> commands();

struct Parsed {
  const Command* command = nullptr;  ///< null: only help or the version was asked for
  std::vector<std::string> operands;
  std::map<std::string, std::vector<std::string>, std::less<>> flags;  ///< "--for" -> values; a switch has one empty value
  bool help = false;

  [[nodiscard]] bool has(std::string_view name) const { return flags.contains(name); }
  /// The (last) value, or "".
  [[nodiscard]] std::string value(std::string_view name) const;
  [[nodiscard]] std::string operand() const { return operands.empty() ? std::string() : operands.front(); }
};

/// @param args without the program's name
/// @return or what is wrong, in whole lines, with a complete example command
[[nodiscard]] std::expected<Parsed, std::string> parse_command_line(const std::vector<std::string>& args);

[[nodiscard]] std::string general_help();
[[nodiscard]] std::string command_help(const Command& command);
[[nodiscard]] std::string bash_completion();

}  // namespace linekeeper::admin::cli
