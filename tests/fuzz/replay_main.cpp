// A fuzzer without libFuzzer: every seed, and each a few hundred times with bytes turned, cut, doubled and mixed with another's. The same
// each time. So the seeds and the reader are tried wherever the tests are; the long search is libFuzzer's.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kVariants = 400;

/// In a block of exactly its size, so that a sanitizer sees what reads beyond it.
void tried(const std::string& input) {
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string bent(std::string text, const std::string& other, std::mt19937_64& chance) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(chance() % (n + 1)); };
  for (std::size_t times = 1 + below(3); times > 0; --times) {
    const std::size_t at = below(text.size());
    switch (below(4)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(7)));
        break;
      case 1: text.resize(at); break;
      case 2: text.erase(at, below(8)); break;
      case 3: text.insert(at, text.substr(below(text.size()), below(32))); break;
      default: text = text.substr(0, at) + other.substr(std::min(at, other.size())); break;
    }
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  if (seeds.empty()) {
    std::fputs("no seeds: name their folder\n", stderr);
    return 1;
  }
  std::mt19937_64 chance(178);
  std::size_t inputs = 0;
  for (const std::string& seed : seeds) {
    tried(seed);
    for (int i = 0; i < kVariants; ++i, ++inputs) tried(bent(seed, seeds[chance() % seeds.size()], chance));
  }
  std::printf("%zu seeds, %zu variants\n", seeds.size(), inputs);
  return 0;
}
