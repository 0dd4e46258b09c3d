#pragma once
// The ear for calls beside its judge: listens where the configuration says, again and again where it cannot; knows which circuit a carrier's
// calls go by; tells what trunks carry; shows itself in the status. Made anew at each reload: what was in progress then is not counted.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "carriers/calls/hep_listener.hpp"
#include "controller/decision/decider.hpp"
#include "controller/model/event.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::daemon {

class CallWatch {
 public:
  using Tell = std::function<void(std::string text)>;  ///< of EventId::CallsUnheard

  /// @param site  with Calls::on()
  CallWatch(boost::asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, calls::HepListener::Sink sink, Tell tell);

  void start() { listen(); }
  void stop() { listener_.reset(); }
  /// The judge has weighed this call: what is slow by its way may be another time now.
  void weighed(const model::CallOutcome& outcome, const decision::Decider& judge);
  void follow(const model::Plan& plan);
  void every_second(const model::Status& status, model::Instant now);
  void fill(model::Status& status) const;

 private:
  void listen();

  boost::asio::any_io_executor executor_;
  model::SitePtr site_;
  std::uint64_t seed_;
  calls::HepListener::Sink sink_;
  Tell tell_;
  std::unique_ptr<calls::HepListener> listener_;  // null: cannot, for now
  std::string problem_;
  model::Instant again_{}, dropped_until_{};
  std::uint64_t dropped_ = 0;
};

}  // namespace linekeeper::daemon
