#pragma once
// Carries plans out: the kernel through linekeeper-switch, each PBX through its driver. Level, not edge: a plan is whole, what could not
// be done is asked for again, and a peer that is back is told everything anew. A hung peer delays nobody else (I22).
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "carriers/trunks/driver.hpp"
#include "controller/daemon/switch_client.hpp"
#include "controller/decision/decider.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::daemon {

class Actuators {
 public:
  struct Handlers {
    std::function<void(std::uint64_t generation, std::vector<std::optional<model::CircuitId>> classes)> on_standing;  ///< the switch is (back) there
    std::function<void(const decision::ShareFound& found)> on_share_standing;  ///< of each class that is shared, before on_standing
    std::function<void(const std::string& why)> on_switch_lost;
    std::function<void(std::size_t traffic_class, std::uint64_t generation)> on_class_applied;
    std::function<void(std::uint64_t generation, const std::vector<std::string>& changes)> on_routes_applied;
    std::function<void(std::uint64_t generation, const std::string& why, bool refused)> on_routes_failed;
    /// The rest of the plan stands; these moves were held back by the switch, for `why` (one sentence for each).
    std::function<void(std::uint64_t generation, const decision::MovesHeld& held, const std::vector<std::string>& why)> on_moves_held;
    std::function<void(const route::Drift& drift)> on_drift;
    std::function<void(const route::Flows& flows)> on_flows;  ///< connections in progress: what stays behind, what was deleted
    std::function<void()> want_reissue;                       ///< the plan is to be decided again under a new generation
    std::function<void(model::TrunkId trunk, std::vector<int> sets)> on_trunk_standing;
    std::function<void(model::TrunkId trunk)> on_trunk_applied;
    std::function<void(model::TrunkId trunk, const std::string& why)> on_trunk_failed;
    std::function<void(model::PbxId pbx, const trunks::PbxReport& report)> on_pbx;
  };

  /// @param client_directory  for the datagram sockets that PBXs answer to
  /// @param retired  classes that the configuration before this one had and this one has not
  Actuators(boost::asio::any_io_executor executor, model::SitePtr site, std::string client_directory, std::vector<std::string> retired,
            Handlers handlers);
  ~Actuators();
  Actuators(const Actuators&) = delete;
  Actuators& operator=(const Actuators&) = delete;

  void start();
  void stop();  ///< leaves routes and leases as they are; no handler is called after this returns
  void carry_out(const model::Plan& plan, const std::vector<std::optional<model::LinkState>>& links);

  /// Has the kernel ask this circuit's gateway whether it lives; without the switch it finds out by and by.
  void ask_gateway(model::CircuitId circuit) { switch_->send(route::AskGateway{.circuit = (*site_)[circuit].name}); }

  [[nodiscard]] model::ActuatorStatus switch_status() const;
  [[nodiscard]] std::vector<model::ActuatorStatus> pbx_statuses() const;

 private:
  struct PbxState {
    std::unique_ptr<trunks::Driver> driver;
    trunks::PbxReport report;
    bool ever_reported = false;
  };
  void on_reply(const route::Reply& reply);
  void on(const route::StateReply& state);
  void on(const route::Applied& applied);
  void on(const route::Refused& refused);
  void on(const route::Failed& failed);
  void on(const route::Drift& drift);
  void on(const route::Flows& flows);
  void try_again(std::chrono::milliseconds after);
  void carry_out_trunks(const model::Plan& plan);
  void read_trunks();

  boost::asio::any_io_executor executor_;
  model::SitePtr site_;
  std::vector<std::string> retired_;
  Handlers handlers_;
  std::shared_ptr<SwitchClient> switch_;  // shared with its pending handlers
  boost::asio::steady_timer retry_;
  std::vector<PbxState> pbxs_;
  std::vector<trunks::Order> sent_orders_;  // by trunk: what its driver was last told
  std::vector<std::size_t> sent_usable_;    // by trunk: what its driver was last told
  std::vector<std::optional<model::CircuitId>> sent_classes_, applied_classes_;
  std::uint64_t sent_generation_ = 0, applied_generation_ = 0;
  int failures_ = 0;
  std::string switch_problem_ = "not connected yet";
  std::string drift_, led_past_;                                 // what the switch has given up putting back; whom somebody's rule leads elsewhere
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(false);  // shared with pending handlers
};

}  // namespace linekeeper::daemon
