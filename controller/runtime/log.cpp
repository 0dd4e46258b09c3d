#include "controller/runtime/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>

namespace linekeeper::runtime {
namespace {

std::atomic<Level> most_verbose{Level::Info};
std::array<std::atomic<std::uint64_t>, 8> counts{};  // the journal's writer thread logs too

}  // namespace

void set_log_level(Level level) { most_verbose = level; }

void log(Level level, std::string_view message) {
  counts.at(static_cast<std::size_t>(level)).fetch_add(1, std::memory_order_relaxed);
  if (level > most_verbose.load()) return;
  std::string line = fmt::format("<{}>", static_cast<int>(level));
  for (const char c : message) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      line += c;
  }
  line += '\n';
  // One write(2) a line; a full or closed stderr must not stop the daemon.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

std::uint64_t log_count(Level level) { return counts.at(static_cast<std::size_t>(level)).load(std::memory_order_relaxed); }

}  // namespace linekeeper::runtime
