#include "carriers/trunks/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "controller/runtime/unique_fd.hpp"

namespace linekeeper::trunks {

model::Result<std::string> read_secret(const std::string& path) {
  const auto refuse = [&](int code, const std::string& why, std::string remedy) {
    return std::unexpected(model::Error{"the secret in " + path + " cannot be used: " + why, std::move(remedy), code});
  };
  const runtime::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    const int code = errno;
    return refuse(code, std::strerror(code), "Let linekeeperd's user read it: chown linekeeper " + path + " && chmod 600 " + path);
  }
  if (!S_ISREG(status.st_mode)) return refuse(EINVAL, "it is no file", "Name a file with the secret on its first line");
  if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0) return refuse(EACCES, "others may read or change it", "chmod 600 " + path);
  std::array<char, 514> bytes{};
  const auto size = ::read(file.get(), bytes.data(), bytes.size());
  if (size < 0) return refuse(errno, std::strerror(errno), "");
  std::string_view line(bytes.data(), static_cast<std::size_t>(size));
  line = line.substr(0, line.find_first_of("\r\n"));
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  if (line.empty()) return refuse(EINVAL, "its first line is empty", "Write the secret on it");
  if (line.size() > 512) return refuse(EINVAL, "it is longer than 512 bytes", "Is that the right file?");
  return std::string(line);
}

}  // namespace linekeeper::trunks
