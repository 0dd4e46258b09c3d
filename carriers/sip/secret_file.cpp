#include "carriers/sip/secret_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "controller/runtime/unique_fd.hpp"

namespace linekeeper::sip {
namespace {

std::unexpected<model::Error> refuse(std::string what, std::string remedy, int code = 0) {
  return std::unexpected(model::Error{.what = std::move(what), .remedy = std::move(remedy), .code = code});
}

model::Result<void> check_guarded(int fd, const std::string& path) {
  struct stat seen{};
  if (fstat(fd, &seen) != 0) return refuse(fmt::format("cannot look at {}: {}", path, std::strerror(errno)), "", errno);
  if (!S_ISREG(seen.st_mode)) return refuse(path + " is no regular file", "Put the password into a file of its own");
  if (seen.st_uid != 0 && seen.st_uid != geteuid())
    return refuse(fmt::format("{} belongs to user {}, who can change it", path, seen.st_uid), "Run: chown linekeeper " + path);
  if ((seen.st_mode & 077) != 0)
    return refuse(fmt::format("{} has mode {:04o}: others than its owner can read or change it", path, seen.st_mode & 07777),
                  "Run: chmod 600 " + path);
  return {};
}

}  // namespace

model::Result<std::string> read_secret(const std::string& file) {
  const bool of_systemd = !file.contains('/');
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (of_systemd && folder == nullptr)
    return refuse(
        "no credential " + file + ": systemd has given none",
        fmt::format("Add LoadCredential={}:/etc/linekeeper/{} to the service (systemctl edit linekeeperd), or name an absolute path", file, file));
  const std::string path = of_systemd ? std::string(folder) + "/" + file : file;
  const runtime::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (fd.get() < 0)
    return refuse(fmt::format("cannot read {}: {}", path, std::strerror(errno)), "Create it with the password as its first line", errno);
  if (!of_systemd)
    if (auto guarded = check_guarded(fd.get(), path); !guarded) return std::unexpected(guarded.error());
  std::array<char, kLongestSecret + 2> bytes;
  const ssize_t n = read(fd.get(), bytes.data(), bytes.size());
  if (n < 0) return refuse(fmt::format("cannot read {}: {}", path, std::strerror(errno)), "", errno);
  std::string_view text(bytes.data(), static_cast<std::size_t>(n));
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) return refuse(path + " has no password in its first line", "Write the password into it");
  if (text.size() > kLongestSecret)
    return refuse(fmt::format("the password in {} is longer than {} bytes", path, kLongestSecret), "See what is in the file");
  return std::string(text);
}

}  // namespace linekeeper::sip
