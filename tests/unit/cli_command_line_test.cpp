#include <doctest/doctest.h>

#include <utility>

#include "controller/admin/cli/command_line.hpp"

using namespace linekeeper::admin::cli;

namespace {

Parsed good(const std::vector<std::string>& args) {
  auto parsed = parse_command_line(args);
  REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error()));
  return *parsed;
}

std::string bad(const std::vector<std::string>& args) {
  const auto parsed = parse_command_line(args);
  REQUIRE_FALSE(parsed.has_value());
  return parsed.error();
}

}  // namespace

TEST_CASE("command line: flags come in any order, with = or a space, and before the command too") {
  const auto p = good(
      {"--socket", "/tmp/s", "failover", "--to=coax", "voice", "--for", "30m", "--reason", "a b", "--override-guard", "x", "--override-guard=y"});
  CHECK(p.command->verb == Verb::Failover);
  CHECK(p.operand() == "voice");
  CHECK(p.value("--socket") == "/tmp/s");
  CHECK(p.value("--to") == "coax");
  CHECK(p.value("--reason") == "a b");
  CHECK(p.flags.at("--override-guard") == std::vector<std::string>{"x", "y"});
  CHECK_FALSE(p.has("--plan"));
}

TEST_CASE("command line: a command of two words is told from one") {
  CHECK(good({"config", "check", "a.toml"}).command->verb == Verb::ConfigCheck);
  CHECK(good({"config", "check", "check"}).operand() == "check");
  CHECK(good({"check", "--nagios"}).command->verb == Verb::Check);
  CHECK(bad({"config"}).find("there is no command 'config'") != std::string::npos);
  CHECK(bad({"config", "check"}).find("config check needs FILE") != std::string::npos);
}

TEST_CASE("command line: an error names the missing flags and shows a complete command") {
  CHECK(bad({"failover", "voice", "--to", "coax"}) ==
        "linekeeper: failover needs --for TIME (how long it holds: 90s, 30m, 2h, 1d), and --reason TEXT (why, for whoever reads the journal).\n"
        "  For example: linekeeper failover voice --to coax --for 30m --reason \"CHG-1182 fiber work\"\n"
        "  All about it: linekeeper failover --help\n");
  CHECK(bad({"failover"}).starts_with("linekeeper: failover needs SUBJECT.\n"));
  CHECK(bad({"hold"}).find("--for TIME") != std::string::npos);
  CHECK(bad({"check"}).find("--nagios") != std::string::npos);
  CHECK(bad({"failover", "voice", "--to"}).find("--to needs NAME") != std::string::npos);
  CHECK(bad({"failover", "voice", "--to="}).find("--to is empty") != std::string::npos);
  CHECK(bad({"failover", "voice", "--to", "a", "--to", "b"}).find("--to is given twice") != std::string::npos);
  CHECK(bad({"status", "--json=yes"}).find("--json takes no value") != std::string::npos);
  CHECK(bad({"status", "now"}).find("'now' is one word too many") != std::string::npos);
  CHECK(bad({}).find("a command is needed") != std::string::npos);
}

TEST_CASE("command line: a slip of the finger is answered with the right word") {
  CHECK(bad({"staus"}).find("Did you mean status?") != std::string::npos);
  CHECK(bad({"status", "--wach"}).find("Did you mean --watch?") != std::string::npos);
  CHECK(bad({"zzzzzz"}).find("Did you mean") == std::string::npos);
  CHECK(bad({std::string(100000, 'x')}).find("Did you mean") == std::string::npos);
}

TEST_CASE("command line: help is given for all and for each, and each has an example that parses") {
  CHECK(good({"--help"}).command == nullptr);
  CHECK(good({"failover", "-h"}).help);
  CHECK(good({"--version"}).command->verb == Verb::Version);
  for (const Command& c : commands()) {
    CAPTURE(std::string(c.name));
    CHECK(command_help(c).find("For example: " + std::string(c.example) + "\n") != std::string::npos);
    CHECK(general_help().find(c.name) != std::string::npos);
    CHECK(bash_completion().find(c.name.substr(0, c.name.find(' '))) != std::string::npos);
    if (c.verb == Verb::Completion) continue;  // its example is for the shell
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    for (const char ch : std::string(c.example) + " ") {
      if (ch == '"') quoted = !quoted;
      if (ch == ' ' && !quoted) {
        words.push_back(std::exchange(word, ""));
      } else if (ch != '"') {
        word += ch;
      }
    }
    if (words.at(0) == "sudo") words.erase(words.begin());
    REQUIRE(words.at(0) == "linekeeper");
    words.erase(words.begin());
    CHECK(good(words).command->verb == c.verb);
  }
}

TEST_CASE("command line: a word that begins with a dash can be said after two of them") {
  CHECK(good({"explain", "--", "-odd"}).operand() == "-odd");
  CHECK(good({"explain", "-"}).operand() == "-");
}
