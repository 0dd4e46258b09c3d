#pragma once
// linekeeperd put together: each arrow of the house is one line in daemon.cpp. One thread, one io_context; the journal's writer is
// the only other thread.
//
//   senses, checks, calls -> decider  observations         decider -> actuators     plans
//   actuators -> recoveries      applied, refused     verification -> recoveries   proven
//   everyone -> tell() -> journal, metrics, log, event streams
//   http -> status, explain, events, metrics, page; overrides -> journal -> decider
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "controller/admin/api.hpp"
#include "controller/admin/http_server.hpp"
#include "controller/daemon/actuators.hpp"
#include "controller/daemon/call_watch.hpp"
#include "controller/daemon/certificate_watch.hpp"
#include "controller/daemon/checks.hpp"
#include "controller/daemon/connections.hpp"
#include "controller/daemon/overload_watch.hpp"
#include "controller/daemon/own_calls.hpp"
#include "controller/daemon/recorder.hpp"
#include "controller/daemon/resolver_file.hpp"
#include "controller/daemon/senses.hpp"
#include "controller/daemon/verification.hpp"
#include "controller/decision/decider.hpp"
#include "controller/journal/journal.hpp"
#include "controller/operations/overrides.hpp"
#include "controller/operations/recoveries.hpp"
#include "controller/telemetry/metrics.hpp"

namespace linekeeper::daemon {

class Daemon : public admin::Api {
 public:
  Daemon(boost::asio::io_context& io, model::Site site);
  ~Daemon() override;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Opens the journal and the sockets and begins. @return what stands in the way, with its remedy.
  model::Result<void> start();

  // admin::Api
  void handle(const admin::Request& request, std::function<void(admin::Response)> respond) override;
  int open_stream(const admin::Request& request, admin::EventStream& stream) override;
  void close_stream(admin::EventStream& stream) override;

 private:
  using Respond = std::function<void(admin::Response)>;
  /// An act that waits for its proof before it is answered.
  struct PendingAct {
    std::vector<std::pair<operations::Plane, std::size_t>> subjects;
    model::Instant deadline{};
    model::Override override;
    std::vector<std::string> changes;
    Respond respond;
  };
  struct Stream {
    bool with_status = false;
    bool replaying = false;
    std::int64_t last = 0;
  };

  // daemon.cpp: life
  model::Result<void> open_journal();
  void load_overrides();
  model::Result<void> open_http();
  /// Builds what a configuration needs and lets go of what stood before; an error leaves that as it was.
  /// @param site  by value: at the start it is our own, and what replaces itself must not be lost on the way
  model::Result<void> begin(model::SitePtr site, const Senses::Kept& kept, std::vector<std::string> retired);
  Actuators::Handlers actuator_handlers();
  void wait_signal();
  void reload();
  void stop(const std::string& why);
  void every_tick();
  void every_second(model::Instant now);
  /// What this path owes its carrier: written down, so that a restart keeps to it too.
  void remember_debt(const std::string& path, const sip::Debt& debt);
  /// Where DNS said that a carrier is: likewise.
  void remember_places(const model::CarrierLocated& located);
  Senses::Kept remembered() const;

  // daemon_flow.cpp: from observation to act
  void observe(const model::Observation& observation);
  void act_on(const decision::Output& out);
  static constexpr std::chrono::milliseconds kTick{100};
  void notice_stall(model::Instant now);
  /// Now, once the judge knows of a stall that has just ended: to be asked before anything else is told to it.
  model::Instant awake();
  void follow_probing(std::uint64_t circuits);
  void ask_gateways(std::uint64_t circuits);  // a bit for each
  /// What was learned of each circuit, its hold-down, and each class's moves, written down and read back: a restart must not make the
  /// judge as nervous as it was on its first day, nor as trusting.
  void remember_learned();
  void recall_learned();
  template <class Id>
  bool recall(const std::vector<journal::Fact>& facts, std::string_view key, const std::string& name, Id id);
  void wake_at(model::Instant when);
  void tell(model::Event event);
  void tell(std::vector<model::Event> events);
  void tell(model::EventId id, std::string subject, std::string text, std::vector<std::pair<std::string, std::string>> fields = {});
  void class_applied(std::size_t index, std::uint64_t generation);
  void verify_class(std::size_t index);
  /// This host's resolvers go where the class without a match goes.
  void move_resolvers();
  void verify_trunks();
  void class_probed(std::size_t index, model::CircuitId circuit, bool proven);
  void verify_classes();
  void account_incidents();
  [[nodiscard]] model::Status status() const;

  // daemon_api.cpp: people
  void act_force(const admin::Request& request, Respond respond);
  void act_hold(const admin::Request& request, Respond respond);
  void act_failback(const admin::Request& request, Respond respond);
  void act_release(const admin::Request& request, Respond respond);
  void act_call(const admin::Request& request, Respond respond);
  void put_in_force(model::Override override, Respond respond, bool wait_for_proof);
  void orders_changed();
  /// Daily windows in which classes and trunks may go back, by the local clock. @return whether one has opened or closed
  bool look_at_windows();
  void answer_pending(model::Instant now);
  void answer_events(const admin::Request& request, const Respond& respond);
  void answer_explain(const admin::Request& request, const Respond& respond) const;
  void answer_inbound(const Respond& respond) const;
  void replay(admin::EventStream& stream, std::int64_t after);
  void stream_status();
  void stream_event(const model::Event& event);
  [[nodiscard]] std::vector<std::pair<operations::Plane, std::size_t>> subjects_of(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> changes_of(const operations::OverrideRequest& request) const;

  boost::asio::io_context& io_;
  model::SitePtr site_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer wake_, tick_;
  model::Instant started_, next_tick_, next_second_, next_remember_;
  model::Instant due_ = model::kNever;  // when the judge wanted to be woken
  model::Instant ran_{};                // when the loop last ran, for whatever
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<telemetry::Metrics> metrics_;
  CertificateWatch certificates_;
  OverloadWatch overloads_;
  std::unique_ptr<Recorder> recorder_;  // of all that the decider is told
  std::unique_ptr<decision::Decider> decider_;
  std::unique_ptr<operations::Recoveries> recoveries_;
  operations::Overrides overrides_;
  std::unique_ptr<Senses> senses_;
  std::unique_ptr<Checks> checks_;
  std::unique_ptr<CallWatch> calls_;  // null: not configured
  std::unique_ptr<OwnCalls> own_calls_;
  std::unique_ptr<Actuators> actuators_;
  Connections connections_;
  std::unique_ptr<ResolverFile> resolvers_;  // null: not configured
  /// A class's proof: under way, or to be tried again.
  struct Proving {
    std::unique_ptr<Verification> now;
    model::Instant again{};
    std::chrono::seconds wait = kProofAgain;
  };
  std::map<std::size_t, Proving> verifications_;  // by class
  std::unique_ptr<admin::HttpServer> http_;
  std::map<admin::EventStream*, Stream> streams_;
  std::deque<model::Event> recent_;  // for the page, oldest first
  std::vector<PendingAct> pending_;
  std::map<std::string, bool> pbx_connected_;
  std::vector<std::string> open_windows_;  // classes and trunks that may go back now because their window is open
  bool overrides_loaded_ = false;
  bool status_due_ = false;
  bool stopping_ = false;
};

}  // namespace linekeeper::daemon
