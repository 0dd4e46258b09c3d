// Any bytes as an answer of Kamailio's jsonrpcs or OpenSIPS' MI.
#include <cstdint>
#include <cstdlib>

#include "carriers/trunks/jsonrpc.hpp"

using namespace linekeeper::trunks;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto reply = parse_reply({reinterpret_cast<const char*>(data), size});
  if (!reply) return 0;
  if (reply->error && reply->item) std::abort();
  if (reply->item && (reply->item->name.size() > 1024 || reply->item->value.size() > 1024)) std::abort();
  if (reply->error && reply->error->message.size() > 1024) std::abort();
  return 0;
}
