#pragma once
// Does to the world, the daemon, the switch and the PBX what a script says is done to them.
#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

class Hands {
 public:
  Hands(const Script& script, World& world, ModelSwitch& route_switch, ModelPbx& pbx, SimDaemon& daemon, Oracle& oracle, Timeline& timeline,
        Story& story, bool wall_steps)
      : script_(&script),
        world_(&world),
        switch_(&route_switch),
        pbx_(&pbx),
        daemon_(&daemon),
        oracle_(&oracle),
        timeline_(&timeline),
        story_(&story),
        wall_steps_(wall_steps) {}

  void act(const Edge& edge, model::Instant now);
  /// The daemon comes back, unless it is to be dead or is there already.
  void restart(model::Instant now) {
    if (crashes_ == 0 && !daemon_->alive()) daemon_->start(now);
  }

 private:
  void on_line(const Trouble& t, std::size_t circuit, int by, model::Instant now);
  void on_target(const Trouble& t, int by);
  void on_carrier(const Trouble& t, int by);
  void on_orders(const Trouble& t, bool comes, model::Instant now);
  void on_actors(const Trouble& t, int by, model::Instant now);
  void tell_daemon(const Trouble& t, std::size_t circuit, model::Instant now);
  void mad_plan(std::size_t kind, model::Instant now);
  void reload(model::Instant now);
  void reconfigure(const Trouble& t, bool comes, model::Instant now);
  void relink(std::size_t circuit, model::Instant now);

  const Script* script_;
  World* world_;
  ModelSwitch* switch_;
  ModelPbx* pbx_;
  SimDaemon* daemon_;
  Oracle* oracle_;
  Timeline* timeline_;
  Story* story_;
  bool wall_steps_;
  std::vector<model::Override> overrides_;
  int crashes_ = 0, stops_ = 0;
  std::vector<Measure> changes_;       // of the configuration, in force
  std::vector<model::SitePtr> sites_;  // every one that was ever read: the oracle may still look at it
};

}  // namespace linekeeper::sim
