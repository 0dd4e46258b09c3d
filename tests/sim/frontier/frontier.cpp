// frontier: detection rules compared. See README.md for what is simulated and how to read it.
//   frontier [--quick] [--seed S] [--scale X] [--threads N]   the tables, as markdown, on standard output
//   frontier --write DIR                                      and into the READMEs and the picture of the checkout at DIR
// Exit: 0 done, 1 a file could not be read or written, 2 wrong usage.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include "tests/sim/frontier/report.hpp"

namespace {

using namespace linekeeper::sim::frontier;

struct Wish {
  Plan plan;
  std::string write;  // the checkout
};

[[noreturn]] void usage(std::string_view why) {
  fmt::print(stderr, "frontier: {}\nusage: frontier [--quick | --scale X] [--seed S] [--threads N] [--write DIR]\n", why);
  std::exit(2);
}

double number(const std::string& option, const std::string& text, double least, double most) {
  char* end = nullptr;
  const double n = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(n >= least && n <= most))
    usage(fmt::format("{} takes a number from {:g} to {:g}, not '{}'", option, least, most, text));
  return n;
}

Wish wish_of(int argc, char** argv) {
  Wish w;
  w.plan.threads = std::max(1U, std::thread::hardware_concurrency());
  const std::vector<std::string> args(argv + 1, argv + argc);
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& option = args[i];
    const auto value = [&]() -> const std::string& {
      if (i + 1 >= args.size()) usage(option + " needs a value");
      return args[++i];
    };
    if (option == "--quick")
      w.plan.scale = 0.1;
    else if (option == "--scale")
      w.plan.scale = number(option, value(), 0.01, 100);
    else if (option == "--seed")
      w.plan.seed = static_cast<std::uint64_t>(number(option, value(), 0, 9e15));
    else if (option == "--threads")
      w.plan.threads = static_cast<unsigned>(number(option, value(), 1, 256));
    else if (option == "--write")
      w.write = value();
    else
      usage("'" + option + "' is unknown");
  }
  return w;
}

/// Reads a README, puts the text between its markers, writes it back.
bool put(const std::string& path, const std::string& text) {
  std::ifstream in(path);
  std::stringstream was;
  was << in.rdbuf();
  if (!in) {
    fmt::print(stderr, "frontier: {} cannot be read\n", path);
    return false;
  }
  const auto is = between_markers(was.str(), text);
  if (!is) {
    fmt::print(stderr, "frontier: {} has no pair of lines <!-- frontier:begin --> and <!-- frontier:end -->\n", path);
    return false;
  }
  std::ofstream out(path);
  out << *is;
  out.close();
  if (!out) fmt::print(stderr, "frontier: {} cannot be written\n", path);
  return static_cast<bool>(out);
}

bool write(const std::string& checkout, const Study& study) {
  const std::string picture = checkout + "/tests/sim/frontier/frontier.svg";
  std::ofstream out(picture);
  out << chart(study);
  out.close();
  if (!out) {
    fmt::print(stderr, "frontier: {} cannot be written\n", picture);
    return false;
  }
  const bool beside = put(checkout + "/tests/sim/frontier/README.md", full_tables(study));
  return put(checkout + "/README.md", short_table(study)) && beside;
}

}  // namespace

int main(int argc, char** argv) {
  const Wish wish = wish_of(argc, argv);
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const auto begun = std::chrono::steady_clock::now();  // for the progress line only
  const Study study = run(wish.plan, [&](std::size_t done, std::size_t all, const std::string& part) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    fmt::print(stderr, "{}[{}/{}, {:.0f} s] {:<48}{}", terminal ? "\r" : "", done, all, seconds, part, terminal ? "" : "\n");
    std::fflush(stderr);
  });
  if (terminal) fmt::print(stderr, "\n");
  fmt::print("{}", full_tables(study));
  return wish.write.empty() || write(wish.write, study) ? 0 : 1;
}
