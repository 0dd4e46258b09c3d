// Any bytes as a resolver's reply to each kind of question: what is read is bounded, and what comes of it is a list that is.
#include <cstdint>
#include <cstdlib>

#include "carriers/locate/location.hpp"

using namespace linekeeper;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using locate::Kind;
  const std::span<const std::uint8_t> bytes(data, size);
  for (const Kind kind : {Kind::Naptr, Kind::Srv, Kind::A, Kind::Aaaa}) {
    const locate::Answer answer = locate::read_answer(kind, bytes);
    const std::size_t records = answer.naptrs.size() + answer.srvs.size() + answer.addresses.size();
    if (records > locate::kMostRecords || answer.ttl < model::Duration{}) std::abort();
    if ((answer.what == locate::Answer::What::Records) != (records > 0)) std::abort();
  }
  // The same bytes as the answer to whatever is asked: it ends, and soon.
  locate::Location location({.host = "north.example", .pinned = {*model::Prefix::parse("198.51.100.0/24")}});
  std::size_t asked = 0;
  for (auto open = location.questions(); !open.empty(); open = location.questions())
    for (const locate::Question& q : open) {
      if (++asked > 3 + locate::kMostTargets) std::abort();
      location.hear(q, locate::read_answer(q.kind, bytes));
    }
  if (!location.done()) std::abort();
  runtime::SeededRandom chance(size);
  const locate::Found found = location.found(chance);
  if (found.endpoints.size() > model::kMostEndpoints || found.refused.size() > model::kMostEndpoints) std::abort();
  for (const auto& e : found.endpoints)
    if (e.at.address.family != model::Family::V4 || e.at.address.bytes[0] != 198) std::abort();
  return 0;
}
