#pragma once
// One TOML file in, one `model::Site` out; or every mistake of the file at once, each with its place, the offending text,
// what is wrong and what would be right. A Site that comes out of here is sound: references resolve, nothing overlaps, every
// number is inside its bounds, and the computed worst case of each failure mode meets its RTO.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/site.hpp"

namespace linekeeper::config {

inline constexpr std::size_t kMaxFileSize = 1024 * 1024;  ///< bytes; a large hub needs a tenth of it
inline constexpr std::size_t kMaxProblems = 200;          ///< more than that are counted, not listed

/// One mistake.
struct Problem {
  int line = 0, column = 0;  ///< from 1; 0 when the mistake is the file itself (unreadable, too large)
  std::string key;           ///< "circuit[fiber].interface", "probing.interval"; empty for syntax errors
  std::string found;         ///< the line of the file it stands on, fit for a terminal
  std::string what;          ///< one clause: what is wrong
  std::string remedy;        ///< one clause: what would be right
};

/// @invariant `site` is there exactly when `problems` is empty: half-right is wrong (I20).
struct Loaded {
  std::optional<model::Site> site;
  std::vector<Problem> problems;  ///< in the order of the file
};

/// Pure: the same text gives the same answer. Survives any bytes; throws nothing but std::bad_alloc.
/// @param file  what Site::file is to say; not opened
Loaded parse(std::string_view text, std::string file);

/// Reads the file (at most kMaxFileSize bytes) and parses it; fills Site::file and Site::sha256 (64 lower-case hex digits).
Loaded load(const std::string& file);

/// The text a Site was made of; nothing when the file is no longer the one that was read.
std::optional<std::string> text_of(const model::Site& site);

/// "FILE:LINE:COLUMN: what\n    offending text\n    remedy": three lines, the place first so that editors jump to it.
std::string describe(const Problem& problem, const std::string& file);

/// What is sound and yet worth knowing: no second way, a shared risk, a load that one carrier cannot take. A sentence each,
/// without a full stop.
std::vector<std::string> remarks(const model::Site& site);

/// What `linekeeper config check` prints when all is well: what was understood, what measuring costs in bytes, and for each failure
/// mode the computed worst case of detection, decision, switch and verification against its RTO. Ends with a newline.
std::string summary(const model::Site& site);

}  // namespace linekeeper::config
