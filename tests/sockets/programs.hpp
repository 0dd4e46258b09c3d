#pragma once
// Programs of others that a test starts and looks into.
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace linekeeper::tests {

using namespace std::chrono_literals;

inline void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

inline void write_secret(const std::string& path, const std::string& text) {
  write_file(path, text + "\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

/// What a command writes, to its error output too; "skipped: ..." when it ends with 77.
inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::array<char, 256> buffer{};
  while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
  if (pipe != nullptr && ::pclose(pipe) == 77) text = "skipped: " + text;
  return text;
}

template <class Condition>
bool wait_for(Condition condition, std::chrono::seconds most = 20s) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!condition() && std::chrono::steady_clock::now() < end) ::usleep(50'000);
  return condition();
}

}  // namespace linekeeper::tests
