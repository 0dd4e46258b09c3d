#pragma once
// Connections in progress: puts our nftables table and keeps it, looks after what was left behind on circuits, deletes by mark.
// What is to be done when is decided in flow_drains and flow_table, which are pure; here it is done. Nothing here can fail a plan:
// a site whose kernel cannot mark connections is steered all the same, and told.
#include "controller/switch/conntrack.hpp"
#include "controller/switch/flow_drains.hpp"
#include "controller/switch/kernel.hpp"
#include "controller/switch/nft_table.hpp"
#include "controller/switch/switch_guards.hpp"

namespace linekeeper::route {

class FlowSwitch {
 public:
  /// Makes the table what the plan needs, if it is not. Before routes move: new connections must find their mark.
  void prepare(const std::optional<Desired>& before, const Desired& plan, FlowMemory& memory);

  /// The plan stands and was read back.
  void stands(const std::optional<Desired>& before, const Desired& plan, FlowMemory& memory, model::Instant now);

  /// Counts and deletes what is due. @return true: memory changed and is to be saved.
  bool work(const Desired& plan, FlowMemory& memory, Kernel& kernel, model::Instant now);

  /// Compares our table with what was put; puts it back within the limit of I11. @return what a foreign hand changed.
  [[nodiscard]] std::optional<Drift> look(const Desired& plan, FlowMemory& memory, RepairLimit& repairs, model::Instant now);

  /// Removes the table. Connections keep their marks, which nobody reads any more. @return what was removed, in words.
  [[nodiscard]] model::Result<std::vector<std::string>> remove(FlowMemory& memory);

  /// What is to be told since the last call; nothing: nothing new.
  [[nodiscard]] std::optional<Flows> news(const Desired& plan, const FlowMemory& memory, model::Instant now);
  void tell_again() { told_.reset(); }  ///< a new peer knows nothing yet

 private:
  void put(const Desired& plan, FlowMemory& memory);
  void begin_tracking(const Desired& plan);
  model::Result<Conntrack*> conntrack();
  model::Result<NftTable*> nftables();
  model::Result<std::string> show(model::Family family);
  model::Result<std::string> show();
  model::Result<void> write(const FlowTable& table);
  bool look_at(LeftBehind& left, const Desired& plan, const KernelState& state, model::Instant now);
  bool look_at(OldAddress& old, const Desired& plan, const KernelState& state, model::Instant now);
  void relabel(const Desired& before, const Desired& plan);

  std::vector<Cut> cuts_;
  std::string problem_, remedy_;
  std::optional<Flows> told_;
  // Opened when first needed: without marks and translations they never are.
  std::optional<NftTable> nftables_;
  std::optional<Conntrack> conntrack_;
};

}  // namespace linekeeper::route
