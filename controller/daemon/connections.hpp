#pragma once
// What the switch says of connections in progress, as status and events. Pure.
#include <string>
#include <vector>

#include "controller/model/event.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"
#include "controller/switch/protocol.hpp"

namespace linekeeper::daemon {

class Connections {
 public:
  /// @return what is to be told of it. Classes and circuits that the site does not have (a reload was quicker) are told by name only.
  [[nodiscard]] std::vector<model::Event> heard(const model::Site& site, const route::Flows& flows, model::Instant now);
  /// The switch is (back) there and will tell all there is.
  void forget() { *this = {}; }

  [[nodiscard]] bool draining() const { return !drains_.empty(); }
  void fill(model::Status& status) const;

 private:
  std::vector<model::DrainStatus> drains_;
  std::string problem_;
};

}  // namespace linekeeper::daemon
