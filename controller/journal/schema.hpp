#pragma once
// What stands in the journal's file, and how an older file becomes today's. A file that is not ours is never written to.
#include <string>

#include "controller/journal/sqlite.hpp"

namespace linekeeper::journal {

inline constexpr int kSchemaVersion = 2;           ///< PRAGMA user_version
inline constexpr int kApplicationId = 0x4C4B4A31;  ///< "LKJ1", PRAGMA application_id: tells our file from another program's

/// Opens or creates `path`, refuses what is damaged, foreign or newer (error code kDamaged), migrates, sets WAL and FULL.
[[nodiscard]] model::Result<Connection> open_journal_file(const std::string& path);

}  // namespace linekeeper::journal
