#include "config/loader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "config/reading.hpp"
#include "controller/model/assert.hpp"

namespace linekeeper::config {
namespace {

constexpr std::size_t kDigestBytes = 32;

std::string sha256_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  LK_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1 && length == kDigestBytes);
  std::string hex;
  for (std::size_t i = 0; i < length; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

Loaded unreadable(std::string what, std::string remedy) { return {std::nullopt, {Problem{0, 0, "", "", std::move(what), std::move(remedy)}}}; }

/// toml++ bounds the depth of brackets and braces but not of dotted keys, and frees tables recursively: a key of half a million
/// dots ends the process. So a line may have kMaxDots dots outside its texts; multi-line texts are counted in, lest their ends
/// hide a key. @return the place of the first dot too many
std::optional<Place> too_deep(std::string_view text) {
  constexpr int kMaxDots = 16;
  Place at{1, 1};
  for (std::size_t begin = 0; begin < text.size(); ++at.line) {
    const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
    const bool multi_line = line.find(R"(""")") != std::string_view::npos || line.find("'''") != std::string_view::npos;
    int dots = 0;
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (quote == '"' && c == '\\')
        ++i;
      else if (quote != 0 && c == quote)
        quote = 0;
      else if (quote == 0 && !multi_line && (c == '"' || c == '\''))
        quote = c;
      else if (quote == 0 && !multi_line && c == '#')
        break;
      else if (quote == 0 && c == '.' && ++dots > kMaxDots)
        return Place{at.line, static_cast<int>(i) + 1};
    }
    begin += line.size() + 1;
  }
  return std::nullopt;
}

/// A syntax error ends the reading: behind it nobody knows what is a key and what is not.
void add_syntax(Problems& problems, const toml::parse_error& error) {
  problems.add(place_of(error.source()), "", "this is not TOML: " + clean(error.description(), 200),
               "mend this first: the rest of the file was not read");
}

std::optional<model::Site> read(const toml::table& table, std::string file, Problems& problems) {
  Reading reading{.problems = problems};
  reading.site.file = std::move(file);
  Section root(problems, table, "", "", "");
  read_settings(root, reading);
  read_circuits(root, reading);
  read_checks(root, reading);
  read_classes(root, reading);
  read_voice(root, reading);
  read_calls(root, reading);
  read_answering(root, reading);
  root.finish();
  split_families(reading);
  fit_checks(reading);
  share_classes(reading);
  pace_carriers(reading);
  steer_carriers_apart(reading);
  check_overlaps(reading);
  check_connections(reading);
  check_resolvers(reading);
  check_presets(reading);
  check_own_calls(reading);
  check_limits(reading);
  check_objectives(reading);
  if (!problems.none()) return std::nullopt;
  return std::move(reading.site);
}

/// The whole file, or what is wrong with it. Non-blocking, so that a fifo in its place cannot hang the daemon.
std::expected<std::string, Loaded> slurp(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::unexpected(unreadable(fmt::format("cannot open it: {}", std::strerror(errno)), "check the path and its permissions"));
  struct stat about{};
  std::string text;
  std::optional<Loaded> fault;
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) fault = unreadable("it is not a regular file", "a TOML file");
  while (!fault) {
    std::array<char, 65536> block{};
    const auto got = ::read(fd, block.data(), block.size());
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      fault = unreadable(fmt::format("cannot read it: {}", std::strerror(errno)), "check the disk");
    else
      text.append(block.data(), static_cast<std::size_t>(got));
    if (text.size() > kMaxFileSize)
      fault = unreadable(fmt::format("it is larger than {} bytes", kMaxFileSize), "a configuration is far smaller; is this the right file?");
  }
  ::close(fd);
  if (fault) return std::unexpected(std::move(*fault));
  return text;
}

}  // namespace

Loaded parse(std::string_view text, std::string file) {
  if (text.size() > kMaxFileSize)
    return unreadable(fmt::format("it is larger than {} bytes", kMaxFileSize), "a configuration is far smaller; is this the right file?");
  Problems problems(text);
  Loaded loaded;
  if (const auto place = too_deep(text)) {
    problems.add(*place, "", "this key has more dots than any key here", "mend this first: the rest of the file was not read");
    loaded.problems = problems.take();
    return loaded;
  }
  try {
    const toml::table table = toml::parse(text, file);
    loaded.site = read(table, std::move(file), problems);
  } catch (const toml::parse_error& error) {
    add_syntax(problems, error);
  }
  loaded.problems = problems.take();
  return loaded;
}

Loaded load(const std::string& file) {
  const auto text = slurp(file);
  if (!text) return text.error();
  Loaded loaded = parse(*text, file);
  if (loaded.site) loaded.site->sha256 = sha256_of(*text);
  return loaded;
}

std::optional<std::string> text_of(const model::Site& site) {
  auto text = slurp(site.file);
  if (!text || sha256_of(*text) != site.sha256) return std::nullopt;
  return std::move(*text);
}

std::string describe(const Problem& problem, const std::string& file) {
  std::string out = clean(file, 4096);
  if (problem.line > 0) out += fmt::format(":{}:{}", problem.line, problem.column);
  out += ": " + problem.what;
  if (!problem.found.empty()) out += "\n    " + problem.found;
  if (!problem.remedy.empty()) out += "\n    " + problem.remedy;
  return out;
}

}  // namespace linekeeper::config
