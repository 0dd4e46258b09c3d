#pragma once
// Values read back from a journal's file: what was told, and the blocks of what was observed. Pure.
#include <cstdint>
#include <string>

#include "controller/model/event.hpp"

namespace linekeeper::journal {

struct RecordedEvent {
  model::Event event;   ///< `at` as it was, whatever the boot
  std::string boot_id;  ///< of the boot that event.at counts in
};

/// A block as it stands in the file.
struct RecordedBlock {
  std::int64_t id = 0;
  std::string boot_id;     ///< the boot its instants count in
  model::WallTime wall{};  ///< of `first`
  model::Instant run{}, first{}, last{};
  std::string config_sha256;
  std::string bytes;  ///< for decode_block

  /// What the wall clock said then, for people.
  [[nodiscard]] model::WallTime wall_at(model::Instant at) const { return wall + std::chrono::floor<std::chrono::milliseconds>(at - first); }
};

}  // namespace linekeeper::journal
