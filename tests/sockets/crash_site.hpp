#pragma once
// A site whose switch dies again and again in the middle of one change: what the kernel, its packets and the memory look like after
// each death, and what a switch that starts then makes of it.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <net/if.h>

#include <map>
#include <set>

#include "controller/switch/nft_table.hpp"
#include "controller/switch/route_switch.hpp"
#include "tests/sockets/crash_points.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/flow_site.hpp"
#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route::crash {

using namespace std::chrono_literals;

/// One change of a site that stands: the plan that stands, and the one in which the switch dies.
struct Change {
  std::optional<Desired> before;  ///< nothing: the first plan ever
  Desired after;
  std::vector<std::string> retired;
  bool refused_by_the_kernel = false;  ///< it is to be put back
  std::string_view foreign_rule = {};  ///< stands while the change is tried, and not while `before` is made
};

/// What can be seen of the site from outside.
struct View {
  std::map<std::string, std::string> ways;  ///< question -> device, or why none
  std::string objects;                      ///< all of ours, routes and nftables
  friend bool operator==(const View&, const View&) = default;
};

class Site {
 public:
  Site();
  [[nodiscard]] const std::string& why_not() const { return why_not_; }

  /// Kills the switch at each point of the change and checks everything. @return at how many points it died
  std::size_t survives(const Change& change);

 private:
  RouteSwitch started() { return std::move(RouteSwitch::adopt(Kernel::open().value(), MemoryFile(memory_path())).value()); }
  [[nodiscard]] std::string memory_path() const { return folder_ / "state"; }
  void stand(const Change& change);
  int die_in(const Change& change, std::size_t point);
  void check_memory(const Change& change, bool touched);
  void check_restart(const Change& change);
  void check_again(const Change& change);
  void begin_calls(std::set<std::string>& seen);
  std::uint16_t fresh_port() { return port_ = port_ < 60000 ? static_cast<std::uint16_t>(port_ + 1) : std::uint16_t{20000}; }
  void check_packets(const std::string& when);
  View look();
  static std::string foreign();
  static Apply sent(const Change& change, std::uint64_t generation);

  tests::TempDir folder_;
  fixture::Beside world_, lan_;
  std::string why_not_;
  std::optional<fixture::Echo> echo_;
  model::Instant now_ = model::Instant(1000h);
  std::uint64_t generation_ = 0;  // of the plan that stands
  std::uint16_t port_ = 20000;
  View stood_, done_;
  std::set<std::string> seen_;
  std::string foreign_;
};

}  // namespace linekeeper::route::crash
