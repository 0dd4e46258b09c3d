#pragma once
// What outlives a restart of the switch: a small file in its runtime directory (which a reboot empties, as it empties the
// kernel's tables). Two lines: the last applied plan as the message it came in, and the accepted generation with the moves.
#include <string>

#include "controller/switch/switch_guards.hpp"

namespace linekeeper::route {

class MemoryFile {
 public:
  explicit MemoryFile(std::string path) : path_(std::move(path)) {}
  /// A missing file is an empty memory; one that cannot be understood is an error (start with an empty memory then).
  [[nodiscard]] model::Result<Memory> load() const;
  /// Written beside and renamed over, so that a crash leaves the old one or the new one (I12).
  [[nodiscard]] model::Result<void> save(const Memory& memory) const;
  void remove() const;  ///< with everything else of ours

 private:
  std::string path_;
};

}  // namespace linekeeper::route
