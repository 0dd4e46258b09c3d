// Any bytes as what FreeSWITCH's event socket says, in two pieces: the messages must be the same as in one.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "carriers/trunks/esl_codec.hpp"

using namespace linekeeper::trunks;

namespace {

std::vector<std::string> messages(std::string_view first, std::string_view second) {
  EslReader reader;
  std::vector<std::string> all;
  for (const auto part : {first, second}) {
    reader.feed(part);
    while (true) {
      const auto message = reader.next();
      if (!message) return all;
      if (!*message) break;
      if ((*message)->type.empty() || (*message)->body.size() > kMostEslUnread) std::abort();
      if (const auto value = esl_value(**message); value && (value->empty() || value->ends_with('\n'))) std::abort();
      all.push_back((*message)->type + "|" + (*message)->reply + "|" + (*message)->body);
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (messages(text, "") != messages(text.substr(0, size / 2), text.substr(size / 2))) std::abort();
  if (const auto command = esl_command(text); command && command->find('\n') != command->size() - 2) std::abort();
  return 0;
}
