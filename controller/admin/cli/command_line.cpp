#include "controller/admin/cli/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace linekeeper::admin::cli {
namespace {

constexpr Flag kEverywhere[] = {{.name = "--socket", .value = "PATH", .help = "the daemon's control socket (or LINEKEEPER_SOCKET)"},
                                {.name = "--help", .value = "", .help = "this text"}};

std::string first_word(std::string_view text) { return std::string(text.substr(0, text.find(' '))); }

const Flag* flag_named(const Command* command, std::string_view name) {
  const auto in = [name](std::span<const Flag> flags) -> const Flag* {
    const auto found = std::ranges::find(flags, name, &Flag::name);
    return found == flags.end() ? nullptr : &*found;
  };
  const Flag* own = command != nullptr ? in(command->flags) : nullptr;
  return own != nullptr ? own : in(kEverywhere);
}

/// Levenshtein distance, for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string did_you_mean(std::string_view wrong, const std::vector<std::string_view>& known) {
  if (wrong.size() > 40) return "";  // a file name, not a slip
  const auto nearest = std::ranges::min_element(known, {}, [wrong](std::string_view k) { return distance(wrong, k); });
  return nearest != known.end() && distance(wrong, *nearest) <= 2 ? fmt::format(" Did you mean {}?", *nearest) : "";
}

std::string usage_error(const Command* command, std::string_view what) {
  if (command == nullptr) return fmt::format("linekeeper: {}\n  For the commands: linekeeper --help\n", what);
  return fmt::format("linekeeper: {}\n  For example: {}\n  All about it: linekeeper {} --help\n", what, command->example, command->name);
}

std::string unknown_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command& c : commands()) names.push_back(c.name);
  return usage_error(nullptr, fmt::format("there is no command '{}'.{}", word, did_you_mean(word, names)));
}

std::string unknown_flag(const Command* command, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Flag& f : kEverywhere) names.push_back(f.name);
  if (command != nullptr) {
    for (const Flag& f : command->flags) names.push_back(f.name);
  }
  const std::string where = command != nullptr ? fmt::format("{} has no", command->name) : "there is no";
  return usage_error(command, fmt::format("{} {}.{}", where, name, did_you_mean(name, names)));
}

/// The command its words begin with; takes them off.
const Command* take_command(std::vector<std::string>& words) {
  for (const Command& command : commands()) {
    const auto space = command.name.find(' ');
    if (space == std::string_view::npos) {
      if (words[0] != command.name) continue;
      words.erase(words.begin());
      return &command;
    }
    if (words.size() < 2 || words[0] != command.name.substr(0, space) || words[1] != command.name.substr(space + 1)) continue;
    words.erase(words.begin(), words.begin() + 2);
    return &command;
  }
  return nullptr;
}

/// The command has to be known before flags can be told from words: its own words come first, `--socket PATH` may stand before it.
std::vector<std::string> leading_words(const std::vector<std::string>& args) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < args.size() && words.size() < 2; ++i) {
    if (args[i] == "--socket") {
      ++i;
    } else if (!args[i].starts_with('-')) {
      words.push_back(args[i]);
    }
  }
  return words;
}

std::optional<std::string> complaint(const Parsed& parsed) {
  const Command& command = *parsed.command;
  const bool needs_operand = !command.operand.empty() && command.operand.front() != '[';
  if (needs_operand && parsed.operands.empty()) return usage_error(&command, fmt::format("{} needs {}.", command.name, first_word(command.operand)));
  const std::size_t most = command.operand.empty() ? 0 : 1 + static_cast<std::size_t>(std::ranges::count(command.operand, ' '));
  if (parsed.operands.size() > most)
    return usage_error(&command, fmt::format("'{}' is one word too many for {}.", parsed.operands[most], command.name));
  std::string missing;
  for (const Flag& f : command.flags) {
    if (!f.required || parsed.has(f.name)) continue;
    missing += fmt::format("{}{}{}{} ({})", missing.empty() ? "" : ", and ", f.name, f.value.empty() ? "" : " ", f.value, f.help);
  }
  if (!missing.empty()) return usage_error(&command, fmt::format("{} needs {}.", command.name, missing));
  return std::nullopt;
}

std::string flag_lines(std::span<const Flag> flags) {
  std::string out;
  for (const Flag& f : flags) {
    const std::string left = fmt::format("{}{}{}", f.name, f.value.empty() ? "" : " ", f.value);
    out += fmt::format("  {:<22} {}{}\n", left, f.help, f.required ? " (needed)" : "");
  }
  return out;
}

}  // namespace

std::string Parsed::value(std::string_view name) const {
  const auto found = flags.find(name);
  return found == flags.end() || found->second.empty() ? std::string() : found->second.back();
}

std::expected<Parsed, std::string> parse_command_line(const std::vector<std::string>& args) {
  Parsed parsed;
  std::vector<std::string> words = leading_words(args);
  const std::size_t before = words.size();
  parsed.command = words.empty() ? nullptr : take_command(words);
  std::size_t name_words = parsed.command != nullptr ? before - words.size() : 0;

  bool only_words = false;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (only_words || arg.size() < 2 || arg[0] != '-') {
      if (name_words > 0) {
        --name_words;
      } else {
        parsed.operands.push_back(arg);
      }
      continue;
    }
    if (arg == "--") {
      only_words = true;
      continue;
    }
    const auto equals = arg.find('=');
    std::string name = arg.substr(0, equals);
    if (name == "-h") name = "--help";
    if (name == "--version" && parsed.command == nullptr) {
      parsed.command = &*std::ranges::find(commands(), Verb::Version, &Command::verb);
      continue;
    }
    const Flag* flag = flag_named(parsed.command, name);
    if (flag == nullptr) return std::unexpected(unknown_flag(parsed.command, name));
    if (flag->value.empty() && equals != std::string::npos)
      return std::unexpected(usage_error(parsed.command, fmt::format("{} takes no value.", name)));
    std::string value = equals != std::string::npos ? arg.substr(equals + 1) : std::string();
    if (!flag->value.empty() && equals == std::string::npos) {
      if (i + 1 >= args.size()) return std::unexpected(usage_error(parsed.command, fmt::format("{} needs {} ({}).", name, flag->value, flag->help)));
      value = args[++i];
    }
    if (!flag->value.empty() && value.empty())
      return std::unexpected(usage_error(parsed.command, fmt::format("{} is empty: it needs {}.", name, flag->value)));
    auto& values = parsed.flags[name];
    if (!values.empty() && !flag->repeats && !flag->value.empty())
      return std::unexpected(usage_error(parsed.command, fmt::format("{} is given twice.", name)));
    values.push_back(std::move(value));
  }

  parsed.help = parsed.has("--help");
  if (parsed.help) return parsed;
  if (parsed.command == nullptr) {
    if (parsed.operands.empty()) return std::unexpected(usage_error(nullptr, "a command is needed."));
    return std::unexpected(unknown_command(parsed.operands.front()));
  }
  if (auto wrong = complaint(parsed)) return std::unexpected(std::move(*wrong));
  return parsed;
}

std::string general_help() {
  std::string out = "linekeeper: ask and steer the failover controller of this site\n\n";
  for (const Command& c : commands()) {
    const std::string left = fmt::format("{}{}{}", c.name, c.operand.empty() ? "" : " ", c.operand);
    out += fmt::format("  {:<22} {}\n", left, c.summary);
  }
  out += "\n" + flag_lines(kEverywhere);
  out +=
      "\nEach command has a --help of its own. Exit: 0 done, 1 error, 2 usage, 3 daemon unreachable, 4 refused by a guard,\n"
      "5 applied but not verified, 6 plan is stale.\n\nFor example: linekeeper status\n";
  return out;
}

std::string command_help(const Command& c) {
  std::string out =
      fmt::format("linekeeper {}{}{}{}: {}\n", c.name, c.operand.empty() ? "" : " ", c.operand, c.flags.empty() ? "" : " [FLAGS]", c.summary);
  if (!c.detail.empty()) out += fmt::format("\n{}\n", c.detail);
  out += "\n" + flag_lines(c.flags) + flag_lines(kEverywhere);
  return out + fmt::format("\nFor example: {}\n", c.example);
}

std::string bash_completion() {
  std::string names;
  std::string cases;
  for (const Command& c : commands()) {
    const std::string word = first_word(c.name);
    names += (names.empty() ? "" : " ") + word;
    std::string words = c.name == word ? std::string() : std::string(c.name.substr(word.size() + 1));
    if (c.verb == Verb::Completion) words = "bash";
    for (const Flag& f : c.flags) words += (words.empty() ? "" : " ") + std::string(f.name);
    cases += fmt::format("    {}) words=\"{} --socket --help\" ;;\n", word, words);
  }
  return fmt::format(
      "# bash completion for linekeeper; made by: linekeeper completion bash\n"
      "_linekeeper() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" previous=\"${{COMP_WORDS[COMP_CWORD-1]}}\" command=\"\" words i\n"
      "  if [[ $previous == --socket || $previous == --config || $previous == --journal || $previous == check && ${{COMP_WORDS[COMP_CWORD-2]}} == "
      "config ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
      "    return\n"
      "  fi\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    if [[ ${{COMP_WORDS[i]}} == --socket ]]; then ((i++)); continue; fi\n"
      "    if [[ ${{COMP_WORDS[i]}} != -* ]]; then command=\"${{COMP_WORDS[i]}}\"; break; fi\n"
      "  done\n"
      "  case \"$command\" in\n"
      "    \"\") words=\"{} --socket --help --version\" ;;\n"
      "{}"
      "    *) words=\"\" ;;\n"
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "}}\n"
      "complete -F _linekeeper linekeeper\n",
      names, cases);
}

}  // namespace linekeeper::admin::cli
