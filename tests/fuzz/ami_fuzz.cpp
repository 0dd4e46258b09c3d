// Any bytes as what Asterisk's manager says, in two pieces: the messages must be the same as in one.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "carriers/trunks/ami_codec.hpp"
#include "carriers/trunks/leased_order.hpp"

using namespace linekeeper::trunks;

namespace {

std::vector<std::string> messages(std::string_view first, std::string_view second) {
  AmiReader reader;
  std::vector<std::string> all;
  for (const auto part : {first, second}) {
    reader.feed(part);
    while (true) {
      const auto message = reader.next();
      if (!message) return all;
      if (!*message) break;
      std::string flat;
      for (const auto& [name, value] : (*message)->fields) {
        if (name.contains("\r\n") || value.find("\r\n") != std::string::npos || name.contains(':')) std::abort();
        flat += name + "=" + value + ";";
      }
      if (const auto time = ami_time(**message); time && *time < 0) std::abort();
      const std::string value((*message)->get("Val"));
      if (const auto order = parse_leased(value); order && encode_leased(*order).value_or("") != value) std::abort();
      all.push_back(std::move(flat));
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (messages(text, "") != messages(text.substr(0, size / 2), text.substr(size / 2))) std::abort();
  // Nothing that is sent can hold a line of its own.
  const std::vector<AmiField> fields{{"Val", text}};
  if (const auto action = ami_action("DBPut", 1, fields); action && (action->find("\r\n\r\n") != action->size() - 4 || text.contains('\n')))
    std::abort();
  return 0;
}
