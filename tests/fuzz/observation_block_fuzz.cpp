// Any bytes as a block of the recording. The checksum would keep all of them out: it is put right, so that what is behind it is what is tried.
// Beside not crashing: what is read names only what the block itself names, and, written again, is read the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "controller/journal/observation_codec.hpp"

using namespace linekeeper;

namespace {

/// A good block to start from: bytes at random do not get past the names.
std::string good() {
  model::Site site;
  site.circuits = {{.name = "fiber", .interface = "a"}, {.name = "coax", .interface = "b"}};
  site.targets = {{.name = "alpha"}, {.name = "beta"}};
  site.carriers = {{.name = "north"}};
  site.classes = {{.name = "voice"}};
  site.trunks = {{.name = "outbound"}};
  journal::BlockWriter writer(site, model::Instant(std::chrono::seconds(9)), 1000);
  const model::Instant now(std::chrono::seconds(10));
  writer.add(journal::Input(journal::DeciderStarted{}), now);
  writer.add(model::Observation(model::ProbeSent{.circuit = {}, .target = {}, .sequence = 1, .sent = now}), now);
  writer.add(model::Observation(model::ProbeReply{.circuit = {}, .target = {}, .sequence = 1, .rtt = std::chrono::milliseconds(9)}), now);
  writer.add(model::Observation(model::ProbeReply{
                 .circuit = {}, .target = {}, .sequence = 1, .code = 3, .reflection = model::Reflection{.session = 1, .ours = 2, .theirs = 1}}),
             now);
  writer.add(model::Observation(model::ProberStuck{.circuit = {}, .since = now}), now);
  writer.add(model::Observation(model::SipOutcome{.carrier = {}, .circuit = {}, .code = 200, .rtt = std::chrono::milliseconds(9)}), now);
  writer.add(model::Observation(model::CallOutcome{.fate = model::CallFate::CarrierFailed, .code = 503, .pdd = std::chrono::seconds(1), .sent = now}),
             now);
  writer.add(model::Observation(model::TrunkLoad{.trunk = {}, .calls = 3, .calls_per_second = 1}), now);
  writer.add(model::Observation(model::CheckOutcome{
                 .circuit = {}, .kind = model::CheckKind::Hops, .check = "way", .at = now, .hops = {model::IpAddress{}}, .detail = "by silent"}),
             now);
  writer.add(journal::Input(journal::Standing{.routes = {.generation = 3, .classes = {model::CircuitId{1}}},
                                              .trunks = {{.trunk = {}, .sets = {11, 12}}},
                                              .orders = {{{.id = 1, .subject = "voice", .to = "coax"}}},
                                              .links = {{.circuit = {}, .present = true}},
                                              .gateways = {{}},
                                              .resolvers = {{}},
                                              .learned = {{.circuit = {}, .text = "x"}}}),
             now);
  return writer.take();
}

void put_check(std::uint8_t* data, std::size_t size) {
  if (size < 5) return;
  const auto check = journal::crc32({reinterpret_cast<const char*>(data) + 5, size - 5});
  for (std::size_t i = 0; i < 4; ++i) data[1 + i] = static_cast<std::uint8_t>(check >> (8 * i));
}

void check_ids(const journal::BlockNames& names, const model::ProbeSent& o) {
  if (o.circuit.index() >= names.circuits.size() || o.target.index() >= names.targets.size()) std::abort();
}
void check_ids(const journal::BlockNames& names, const model::SipOutcome& o) {
  if (o.circuit.index() >= names.circuits.size() || o.carrier.index() >= names.carriers.size()) std::abort();
}
void check_ids(const journal::BlockNames& names, const model::CallOutcome& o) {
  if (o.circuit.index() >= names.circuits.size() || o.carrier.index() >= names.carriers.size()) std::abort();
}
void check_ids(const journal::BlockNames& names, const model::TrunkLoad& o) {
  if (o.trunk.index() >= names.trunks.size()) std::abort();
}
void check_ids(const journal::BlockNames& names, const model::CheckOutcome& o) {
  if (o.circuit.index() >= names.circuits.size() || o.hops.size() > model::kMostHops || o.detail.size() > model::kLongestCheckDetail) std::abort();
}
template <class Other>
void check_ids(const journal::BlockNames&, const Other&) {}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  static const std::string kGood = good();
  if (seed % 16 == 0 && kGood.size() <= max_size) {
    kGood.copy(reinterpret_cast<char*>(data), kGood.size());
    size = kGood.size();
  }
  size = LLVMFuzzerMutate(data, size, max_size);
  if (size > 0 && seed % 64 != 1) data[0] = journal::kBlockVersion;
  put_check(data, size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto block = journal::decode_block({reinterpret_cast<const char*>(data), size});
  if (!block) {
    if (block.error().what.empty()) std::abort();
    return 0;
  }
  model::Site site;
  for (const auto& name : block->head.names.circuits) site.circuits.push_back({.name = name, .interface = ""});
  for (const auto& name : block->head.names.targets) site.targets.push_back({.name = name});
  for (const auto& name : block->head.names.carriers) site.carriers.push_back({.name = name});
  for (const auto& name : block->head.names.classes) site.classes.push_back({.name = name});
  for (const auto& name : block->head.names.trunks) site.trunks.push_back({.name = name});
  journal::BlockWriter writer(site, block->head.run, 0);
  for (const auto& record : block->records) {
    if (const auto* o = std::get_if<model::Observation>(&record.input))
      std::visit([&](const auto& observation) { check_ids(block->head.names, observation); }, *o);
    writer.add(record.input, record.now);
  }
  const auto again = journal::decode_block(writer.take());
  if (!again || again->records.size() != block->records.size()) std::abort();
  for (std::size_t i = 0; i < block->records.size(); ++i)
    if (again->records[i].now != block->records[i].now || again->records[i].input.index() != block->records[i].input.index()) std::abort();
  return 0;
}
