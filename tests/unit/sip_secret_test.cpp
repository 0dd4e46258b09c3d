// Passwords from files: who may read them, and what is said when that is wrong. What is said never holds the password.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "carriers/sip/secret_file.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linekeeper;

namespace {

struct Folder {
  [[nodiscard]] std::string file(const std::string& text, mode_t mode = 0600) const {
    std::string at = dir / "password";
    std::ofstream(at, std::ios::trunc) << text;
    REQUIRE(chmod(at.c_str(), mode) == 0);
    return at;
  }
  tests::TempDir dir;
};

std::string refusal(const std::string& file) {
  const auto read = sip::read_secret(file);
  return read ? "taken" : read.error().to_string();
}

}  // namespace

TEST_CASE("secret: the first line is the password, whatever ends it") {
  const Folder f;
  CHECK(sip::read_secret(f.file("s3cret\n")) == "s3cret");
  CHECK(sip::read_secret(f.file("s3cret")) == "s3cret");
  CHECK(sip::read_secret(f.file("s3 cret\r\n# of north\n", 0400)) == "s3 cret");
}

TEST_CASE("secret: a file that others could read or change is refused with the remedy, and the password is not said") {
  const Folder f;
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0601U}) {
    const auto said = refusal(f.file("s3cret\n", mode));
    CHECK(said.contains("chmod 600 " + (f.dir.path / "password").string()));
    CHECK_FALSE(said.contains("s3cret"));
  }
}

TEST_CASE("secret: none, an empty one, a folder, and one that is too long are refused; the longest is not") {
  const Folder f;
  CHECK(refusal(f.dir.path / "absent").contains("No such file"));
  CHECK(refusal(f.file("\nx")).contains("no password in its first line"));
  CHECK(refusal(f.dir.path).contains("no regular file"));
  CHECK(sip::read_secret(f.file(std::string(sip::kLongestSecret, 'x') + "\n"))->size() == sip::kLongestSecret);
  CHECK(refusal(f.file(std::string(sip::kLongestSecret + 1, 'x') + "\n")).contains("longer than"));
}

TEST_CASE("secret: a name without a slash is a credential that systemd has given, whatever its mode") {
  const Folder f;
  static_cast<void>(f.file("s3cret\n", 0440));
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(refusal("password").contains("LoadCredential=password"));
  setenv("CREDENTIALS_DIRECTORY", f.dir.path.c_str(), 1);
  CHECK(sip::read_secret("password") == "s3cret");
  unsetenv("CREDENTIALS_DIRECTORY");
}
