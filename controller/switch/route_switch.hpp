#pragma once
// The switch without its socket: judge a plan, carry it out, read it back, keep it. One plan at a time, start to end.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/switch/flow_switch.hpp"
#include "controller/switch/kernel.hpp"
#include "controller/switch/switch_memory.hpp"

namespace linekeeper::route {

class RouteSwitch {
 public:
  /// Reads what an earlier run left, in the file and in the kernel, and changes nothing (I13).
  static model::Result<RouteSwitch> adopt(Kernel kernel, MemoryFile file);

  /// What stands, for the daemon to adopt.
  [[nodiscard]] Reply hello();

  /// Guards -> difference -> kernel -> read back by dump and by routing decision. Applied (with the moves that were held back), Refused
  /// (nothing touched) or Failed (what stood was put back as far as the kernel let us).
  [[nodiscard]] Reply apply(const Apply& given, model::Instant now);

  /// Has the kernel ask the gateway of a circuit of the last applied plan whether it lives; no more than once a second for each.
  /// Routes are not touched. @return true when it is being asked because of this
  bool ask_gateway(const AskGateway& question, model::Instant now);

  /// Compares the kernel with the last applied plan and puts right what differs, within the limit of I11.
  /// @param excused interfaces whose link or address changed: what the kernel itself took away with them is not drift, and is put
  ///        back without counting. @return what a foreign hand changed, or leads past what is ours.
  [[nodiscard]] std::vector<Drift> look(const std::set<int>& excused, model::Instant now);

  /// Connections in progress: counts and deletes what is due. Call at next_tending(), and after every apply. @return what is new.
  [[nodiscard]] std::optional<Flows> tend(model::Instant now);
  [[nodiscard]] std::optional<model::Instant> next_tending() const { return next_look(memory_.flows); }

  /// Removes every object of ours and the memory. @return what was removed, in words.
  [[nodiscard]] model::Result<std::vector<std::string>> remove_everything();

 private:
  RouteSwitch(Kernel kernel, MemoryFile file, Memory memory, std::set<std::uint32_t> leftover);
  model::Result<KernelState> read(const Desired* plan);
  model::Result<KernelState> converge(const Desired& desired, KernelState state);
  std::string put_back(const KernelState& before, const Apply& plan);
  std::vector<std::string> proofs(const Desired& desired, const std::vector<Operation>& operations, const KernelState& state,
                                  std::vector<std::string>& failures);
  std::optional<Drift> led_past(const KernelState& state);
  void save();

  Kernel kernel_;
  MemoryFile file_;
  Memory memory_;
  std::set<std::uint32_t> leftover_;  // tables with routes of ours that were there before we started
  RepairLimit repairs_;
  bool left_alone_ = false;                      // something of ours is missing and was put back too often
  std::set<std::string> led_past_;               // classes that somebody's rule leads elsewhere, as was told
  std::map<std::string, model::Instant> asked_;  // gateways, by circuit of the last plan
  FlowSwitch flows_;
};

}  // namespace linekeeper::route
