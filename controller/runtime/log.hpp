#pragma once
// The log: one line to stderr per message, prefixed "<N>" as journald reads it (sd-daemon(3)); newlines and control
// characters are escaped so that nothing from the wire can forge a line. Transitions and plans, never a single probe.
#include <cstdint>
#include <string_view>

namespace linekeeper::runtime {

enum class Level : std::uint8_t { Error = 3, Warning = 4, Notice = 5, Info = 6, Debug = 7 };

void set_log_level(Level most_verbose);  ///< default Info
void log(Level level, std::string_view message);
[[nodiscard]] std::uint64_t log_count(Level level);  ///< messages since start, for linekeeper_log_messages_total

}  // namespace linekeeper::runtime
