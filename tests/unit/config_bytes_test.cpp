// Any bytes are survived (I23): nothing here may throw, crash, or bring out a site together with problems.
#include <fstream>
#include <random>
#include <sstream>

#include "config_text.hpp"

using namespace linekeeper;

namespace {

std::string example() {
  std::ifstream in(LINEKEEPER_CONFIG_DIR "/linekeeper.example.toml");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Parses and shows whatever comes out. @return whether it was sound
bool survived(const std::string& text) {
  const auto loaded = config::parse(text, "site.toml");
  REQUIRE(loaded.site.has_value() == loaded.problems.empty());
  for (const auto& problem : loaded.problems) {
    const std::string shown = describe(problem, "site.toml");
    for (const char c : shown) REQUIRE((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
    REQUIRE(shown.size() < 4096);
  }
  if (loaded.site) REQUIRE_FALSE(config::summary(*loaded.site).empty());
  return loaded.site.has_value();
}

}  // namespace

TEST_CASE("bytes: every beginning of the example is survived") {
  const std::string text = example();
  for (std::size_t length = 0; length <= text.size(); ++length) survived(text.substr(0, length));
  CHECK(survived(text));
}

TEST_CASE("bytes: thousands of small injuries to the example are survived") {
  const std::string text = example();
  std::mt19937 random(20261122);
  using namespace std::string_view_literals;
  const std::string loaded("[]{}=\"'\\,.#\n\x80\xff\0\x1b-0e"sv);  // with its NUL
  int sound = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string injured = text;
    for (unsigned cuts = random() % 3 + 1; cuts > 0; --cuts) {
      const std::size_t at = random() % injured.size();
      switch (random() % 4) {
        case 0: injured[at] = static_cast<char>(random() % 256); break;
        case 1: injured[at] = loaded[random() % loaded.size()]; break;
        case 2: injured.erase(at, random() % 40); break;
        default: injured.insert(at, injured.substr(random() % injured.size(), random() % 60)); break;
      }
    }
    sound += survived(injured) ? 1 : 0;
  }
  CHECK(sound > 100);   // injuries to comments
  CHECK(sound < 3900);  // and to more than comments
}

TEST_CASE("bytes: deep nesting, long keys and endless lists are survived") {
  std::string dots = "a";
  while (dots.size() + 8 < config::kMaxFileSize) dots += ".a";  // as deep as a file can make it
  survived("x = " + std::string(100000, '['));
  survived("x = " + std::string(100000, '{'));
  survived(std::string(100000, 'k') + " = 1");
  survived("[" + std::string(50000, 'a') + "." + std::string(50000, 'b') + "]");
  survived(std::string(200, '\0'));
  survived("[" + dots + "]\n");
  survived("x = [\"\"\"\n\"\"\", {" + dots + " = 1}]\n");
  survived("x = ['''\n''', {" + dots + " = 1}]\n");
  std::string deep;  // as deep as lines may be, bracket in bracket
  for (int i = 0; i < 250; ++i) deep += "[{a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = [\n";
  survived("x = " + deep);
  for (int i = 0; i < 250; ++i) deep += "]}]\n";
  survived("x = " + deep);
  std::string many = "[site]\nname = \"x\"\n";
  for (int i = 0; i < 20000; ++i) many += "[[circuit]]\n";
  survived(many);
  survived(dots + " = 1");
}
