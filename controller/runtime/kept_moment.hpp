#pragma once
// An instant that outlives us, written down as text. Read back in the same boot it is on the clock that nobody steps; after another boot
// there is only the wall clock, which may have been stepped meanwhile.
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/time.hpp"

namespace linekeeper::runtime {

/// One moment by all that can tell it.
struct Clocks {
  model::Instant boot{};
  model::WallTime wall{};
  std::string boot_id;  ///< of this boot; empty: not known
};
[[nodiscard]] Clocks read_clocks();

/// "1795390000123@9f0d...:5400123", milliseconds by both clocks, rounded up.
[[nodiscard]] std::string kept_text(model::Instant at, const Clocks& now);

struct KeptMoment {
  model::Instant at{};
  std::string_view rest;  ///< of the text, behind one blank
};
/// @param text  as kept_text() wrote it, or only milliseconds of the wall clock; a blank and something else may follow
/// @return within thirty years of now either way, for a damaged number must not overflow what it is taken from; nothing when it is neither
[[nodiscard]] std::optional<KeptMoment> read_kept(std::string_view text, const Clocks& now);

}  // namespace linekeeper::runtime
