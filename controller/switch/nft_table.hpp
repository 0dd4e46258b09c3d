#pragma once
// nftables, for one table only, by libnftables: text in, one transaction, text out. libnftables rather than messages of our own,
// because what is written can then be read as it is (flow_table.hpp), and rather than the nft program, because nothing is executed.
// Its parser sees only text made here from values that were checked; it reads no file.
#include <string>

#include "controller/model/error.hpp"

namespace linekeeper::route {

/// Runs one transaction: all of it stands, or nothing changed.
[[nodiscard]] model::Result<void> nft_apply(const std::string& text);

/// Our table as the kernel has it now; empty: there is none.
[[nodiscard]] model::Result<std::string> nft_show();

}  // namespace linekeeper::route
