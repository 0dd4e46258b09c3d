#pragma once
// Our nftables table in the kernel (linux/netfilter/nf_tables.h), by messages of our own over libmnl. Not libnftables: its license
// (GPL-2 only) and ours (Apache-2.0) cannot be distributed in one program, and a parser of a whole language is more than a
// privileged program needs for a dozen steps.
#include "controller/switch/flow_table.hpp"
#include "controller/switch/netlink.hpp"

namespace linekeeper::route {

class NftTable {
 public:
  static model::Result<NftTable> open();

  /// Replaces what stands by `table` in one transaction: all of it stands, or nothing changed. No chains: the table is removed.
  model::Result<void> put(const FlowTable& table);

  /// What stands, in lines that are the same for the same table: its comment, each chain, each rule with a digest of its
  /// expressions as the kernel gives them. Empty: there is no such table.
  model::Result<std::string> show(model::Family family);

 private:
  explicit NftTable(Netlink n) : netlink_(std::move(n)) {}
  Netlink netlink_;
};

}  // namespace linekeeper::route
