// The life of the daemon: start, reload, tick, stop. What flows where stands in daemon_flow.cpp, what people ask in daemon_api.cpp.
#include "controller/daemon/daemon.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>

#include "carriers/locate/kept_places.hpp"
#include "config/loader.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/kept_moment.hpp"
#include "controller/runtime/log.hpp"
#include "controller/runtime/sd_notify.hpp"
#include "controller/telemetry/build_info.hpp"
#include "controller/telemetry/page.hpp"

namespace linekeeper::daemon {

using model::EventId;
using model::Instant;
using runtime::boot_now;
using runtime::Level;
using runtime::wall_now;

namespace {

constexpr std::chrono::milliseconds kStalled{1000};  // a loop that late may have missed replies: said, and counted
constexpr std::string_view kFloorFact = "sip-floor ", kBurstFact = "sip-verify ";
constexpr std::string_view kPlacesFact = "sip-places ";
constexpr std::chrono::hours kOldestPlaces{24 * 365 * 30};  // a damaged number must not overflow what it is taken from
constexpr const char* kCleanStop = "clean-stop";

model::Result<std::uint64_t> fresh_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) == sizeof seed) return seed;
  return std::unexpected(model::Error{"getrandom(2) gives no random bytes", "", errno});
}

std::string_view drift_end(const route::Drift& drift) {
  if ((drift.foreign || drift.gave_up) && drift.repaired) return ".";
  if (drift.foreign) return ". That rule is somebody else's and left alone: find out who made it, and remove it (ip rule).";
  if (drift.gave_up) return ". Put back three times in ten minutes; not any more, until the next change of ours: find out who does it.";
  return drift.repaired ? ". Put back." : ". Not put back.";
}

std::string directory_of(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }

}  // namespace

Daemon::Daemon(boost::asio::io_context& io, model::Site site)
    : io_(io),
      site_(std::make_shared<const model::Site>(std::move(site))),
      signals_(io, SIGTERM, SIGINT, SIGHUP),
      wake_(io),
      tick_(io),
      started_(boot_now()) {}

Daemon::~Daemon() = default;

model::Result<void> Daemon::open_journal() {
  const journal::Limits limits{.keep_block_bytes = static_cast<std::size_t>(site_->endpoints.recording_mib) << 20};
  auto journal = journal::Journal::open(
      site_->endpoints.journal, io_.get_executor(), [](const model::Error& error) { runtime::log(Level::Error, error.to_string()); }, limits);
  if (!journal) return std::unexpected(journal.error());
  journal_ = std::move(*journal);
  recorder_ = std::make_unique<Recorder>([this](journal::ObservationBlock block) { journal_->append_block(std::move(block)); }, wall_now);
  load_overrides();
  return {};
}

void Daemon::load_overrides() {
  auto overrides = journal_->load_overrides();
  overrides_loaded_ = overrides.has_value();
  if (overrides)
    overrides_.load(std::move(*overrides));
  else  // a disk that fails must not keep the site from coming up: asked again as soon as it is well
    runtime::log(Level::Error, "what people ordered before cannot be read yet: " + overrides.error().to_string());
}

void Daemon::remember_debt(const std::string& path, const sip::Debt& debt) {
  const auto now = runtime::read_clocks();
  const auto put = [&](std::string_view fact, Instant until) { journal_->put_fact({std::string(fact) + path, runtime::kept_text(until, now)}); };
  put(kFloorFact, debt.floor_until);
  if (debt.burst_full > boot_now()) put(kBurstFact, debt.burst_full);  // what was written before is over, and then says so
}

void Daemon::remember_places(const model::CarrierLocated& located) {
  if (located.lookup != model::Lookup::Found) return;
  journal_->put_fact({std::string(kPlacesFact) + Senses::place_name(*site_, located.carrier, located.circuit),
                      locate::to_text({.endpoints = located.endpoints, .answered = wall_now()})});
}

Senses::Kept Daemon::remembered() const {
  Senses::Kept kept;
  const auto read = journal_->load_facts();
  const std::vector<journal::Fact> facts = read.value_or(std::vector<journal::Fact>{});
  const runtime::Clocks clocks = runtime::read_clocks();
  const Instant now = clocks.boot;
  const bool clean = std::ranges::any_of(facts, [](const journal::Fact& f) { return f.key == kCleanStop && f.value == "1"; });
  for (std::size_t k = 0; k < site_->carriers.size(); ++k)
    for (std::size_t c = 0; c < site_->circuits.size(); ++c) {
      const auto carrier_id = model::id_at<model::CarrierId>(k);
      const auto circuit_id = model::id_at<model::CircuitId>(c);
      const std::string name = Senses::path_name(*site_, carrier_id, circuit_id);
      const std::string place = Senses::place_name(*site_, carrier_id, circuit_id);
      if (const auto fact = std::ranges::find(facts, std::string(kPlacesFact) + place, &journal::Fact::key); fact != facts.end())
        if (auto places = locate::places_from_text(fact->value))
          kept.places[place] = {.carrier = carrier_id,
                                .circuit = circuit_id,
                                .answered = now - (wall_now() - std::clamp(places->answered, wall_now() - kOldestPlaces, wall_now())),
                                .endpoints = std::move(places->endpoints),
                                .refused = {}};
      const model::Carrier& carrier = site_->carriers[k];
      if (read && std::ranges::find(facts, std::string(kFloorFact) + name, &journal::Fact::key) == facts.end()) continue;  // never asked
      // After a crash more OPTIONS may have left than were written down, and where nothing can be read anything may have: then the
      // whole floor is waited and no verify OPTIONS is left. After another boot a wall clock that jumped can make this longer, never longer than
      // that.
      const auto until = [&](std::string_view key, model::Duration whole) {
        const auto fact = std::ranges::find(facts, std::string(key) + name, &journal::Fact::key);
        const auto kept_until = fact == facts.end() ? std::nullopt : runtime::read_kept(fact->value, clocks);
        if (fact == facts.end() && clean) return now;
        return now + (clean && kept_until ? std::clamp(kept_until->at - now, model::Duration::zero(), whole) : whole);
      };
      kept.owed[name] = {.floor_until = until(kFloorFact, carrier.floor), .burst_full = until(kBurstFact, carrier.verify_burst * carrier.interval)};
    }
  return kept;
}

model::Result<void> Daemon::open_http() {
  http_ = std::make_unique<admin::HttpServer>(io_.get_executor(), *this);
  const model::Endpoints& e = site_->endpoints;
  if (auto done = http_->listen_unix(e.control_socket); !done) return done;
  if (e.http_port == 0) return {};
  return http_->listen_tcp(e.http_address, e.http_port, e.http_hosts);
}

model::Result<void> Daemon::begin(model::SitePtr site, const Senses::Kept& kept, std::vector<std::string> retired) {
  auto senses = Senses::open(io_.get_executor(), site, kept, [this](const model::Observation& o) { observe(o); });
  if (!senses) return std::unexpected(senses.error());
  const auto seed = fresh_seed();
  if (!seed) return std::unexpected(seed.error());
  // From here on nothing can fail: what was there before may go.
  if (senses_) senses_->stop();
  if (checks_) checks_->stop();
  calls_.reset();  // its port may be wanted again
  own_calls_.reset();
  if (actuators_) actuators_->stop();
  verifications_.clear();
  const model::SitePtr before = site_;
  site_ = site;
  senses_ = std::move(*senses);
  checks_ = std::make_unique<Checks>(io_.get_executor(), site_, *seed, [this](const model::Observation& o) { observe(o); });
  const Instant begun = recorder_->started(*site_, config::text_of(*site_).value_or(""), boot_now());
  auto decider = std::make_unique<decision::Decider>(site_, begun);
  const auto remind = [&]<class Id, class Named>(const std::vector<Named>& now, const std::vector<Named>& then, Id) {
    for (std::size_t i = 0; i < now.size(); ++i)
      for (std::size_t old = 0; old < then.size(); ++old)
        if (now[i].name == then[old].name) {
          const auto id = model::id_at<Id>(i);
          decider->recall(id, recorder_->recalled(id, decider_->memory(model::id_at<Id>(old), begun), {}, begun), {});
        }
  };
  if (decider_) {
    remind(site->circuits, before->circuits, model::CircuitId{});
    remind(site->classes, before->classes, model::ClassId{});
  }
  decider_ = std::move(decider);
  due_ = model::kNever;
  if (site_->calls.on())
    calls_ = std::make_unique<CallWatch>(
        io_.get_executor(), site_, *seed, [this](const model::Observation& o) { observe(o); },
        [this](std::string text) { tell(EventId::CallsUnheard, "", std::move(text)); });
  own_calls_ = std::make_unique<OwnCalls>(
      io_.get_executor(), site_, *seed + 1,
      OwnCalls::Handlers{.tell =
                             [this](EventId id, std::string subject, std::string text, std::vector<std::pair<std::string, std::string>> fields) {
                               tell(id, std::move(subject), std::move(text), std::move(fields));
                             },
                         .observe = [this](const model::Observation& o) { observe(o); }});
  resolvers_.reset();
  if (followed_class(*site_)) resolvers_ = std::make_unique<ResolverFile>(io_.get_executor(), site_, [this](model::Event e) { tell(std::move(e)); });
  recoveries_ = std::make_unique<operations::Recoveries>(*site_);
  actuators_ =
      std::make_unique<Actuators>(io_.get_executor(), site_, directory_of(site_->endpoints.control_socket), std::move(retired), actuator_handlers());
  return {};
}

model::Result<void> Daemon::start() {
  if (auto done = open_journal(); !done) return done;
  metrics_ = std::make_unique<telemetry::Metrics>(*site_, telemetry::build_info());
  metrics_->config_reload(true, wall_now());
  if (auto done = begin(site_, remembered(), {}); !done) return done;
  if (auto done = open_http(); !done) return done;
  recall_learned();
  journal_->events({.limit = telemetry::kPageEvents}, [this](model::Result<std::vector<model::Event>> events) {
    if (events) recent_.insert(recent_.begin(), events->begin(), events->end());
  });
  journal_->put_fact({kCleanStop, "0"});
  tell(EventId::DaemonStarted, "",
       fmt::format("linekeeperd {} ({}) started for site {} with {} circuits and {} carriers.", telemetry::build_info().version,
                   telemetry::build_info().revision, site_->name, site_->circuits.size(), site_->carriers.size()),
       {{"config_sha256", site_->sha256}});
  orders_changed();
  follow_probing(~std::uint64_t{0});
  own_calls_->start();  // before the senses: they tell it the links
  senses_->start();
  checks_->start();
  if (calls_) calls_->start();
  if (resolvers_) resolvers_->start();
  actuators_->start();
  remember_learned();
  wait_signal();
  ran_ = next_second_ = boot_now();
  next_tick_ = ran_ + kTick;
  every_tick();
  runtime::sd_notify("READY=1\nSTATUS=probing " + std::to_string(site_->circuits.size()) + " circuits");
  return {};
}

Actuators::Handlers Daemon::actuator_handlers() {
  using operations::Plane;
  Actuators::Handlers h;
  h.on_standing = [this](std::uint64_t generation, std::vector<std::optional<model::CircuitId>> classes) {
    tell(EventId::SwitchConnected, "switch", fmt::format("linekeeper-switch is there; generation {} stands in the kernel.", generation),
         {{"generation", std::to_string(generation)}});
    connections_.forget();
    if (const auto followed = followed_class(*site_); resolvers_ && classes.at(followed->index())) resolvers_->follow(*classes[followed->index()]);
    const decision::Adopted adopted{.generation = generation, .classes = std::move(classes)};
    act_on(decider_->adopt(adopted, recorder_->told(adopted, awake())));
  };
  h.on_share_standing = [this](const decision::ShareFound& found) { act_on(decider_->adopt(found, recorder_->told(found, awake()))); };
  h.on_switch_lost = [this](const std::string& why) {
    metrics_->actuator_failure("switch", telemetry::ActuatorFailure::Disconnected);
    tell(EventId::SwitchLost, "switch", why + ". Routes stay as they are until it is back.");
  };
  h.on_class_applied = [this](std::size_t index, std::uint64_t generation) { class_applied(index, generation); };
  h.on_routes_applied = [this](std::uint64_t generation, const std::vector<std::string>& changes) {
    metrics_->actuator_operation("switch");
    for (const std::string& change : changes) runtime::log(Level::Info, fmt::format("generation {}: {}", generation, change));
  };
  h.on_routes_failed = [this](std::uint64_t generation, const std::string& why, bool refused) {
    metrics_->actuator_failure("switch", refused ? telemetry::ActuatorFailure::Refused : telemetry::ActuatorFailure::Failed);
    tell(recoveries_->on_failed(Plane::Routing, std::nullopt, generation, why, boot_now(), refused));
  };
  h.on_moves_held = [this](std::uint64_t generation, const decision::MovesHeld& held, const std::vector<std::string>& why) {
    for (std::size_t i = 0; i < held.moves.size(); ++i) {
      metrics_->actuator_failure("switch", telemetry::ActuatorFailure::Refused);
      tell(recoveries_->on_failed(Plane::Routing, held.moves[i].traffic_class.index(), generation, why[i], boot_now(), true));
    }
    act_on(decider_->held(held, recorder_->told(held, awake())));
  };
  h.on_drift = [this](const route::Drift& drift) {
    if (!drift.foreign && !drift.gave_up) metrics_->actuator_correction("switch");
    tell(EventId::SwitchDrift, "switch", drift.what + std::string(drift_end(drift)));
  };
  h.on_flows = [this](const route::Flows& flows) { tell(connections_.heard(*site_, flows, boot_now())); };
  h.want_reissue = [this] { act_on(decider_->reissue(recorder_->reissued(awake()))); };
  h.on_trunk_standing = [this](model::TrunkId trunk, std::vector<int> sets) {
    const decision::TrunkAdopted adopted{.trunk = trunk, .sets = std::move(sets)};
    act_on(decider_->adopt(adopted, recorder_->told(adopted, awake())));
  };
  h.on_trunk_applied = [this](model::TrunkId trunk) {
    metrics_->actuator_operation((*site_)[(*site_)[trunk].pbx].name);
    tell(recoveries_->on_applied(Plane::Trunk, trunk.index(), UINT64_MAX, boot_now()));
    verify_trunks();
  };
  h.on_trunk_failed = [this](model::TrunkId trunk, const std::string& why) {
    metrics_->actuator_failure((*site_)[(*site_)[trunk].pbx].name, telemetry::ActuatorFailure::Failed);
    tell(recoveries_->on_failed(Plane::Trunk, trunk.index(), UINT64_MAX, why, boot_now(), false));
  };
  h.on_pbx = [this](model::PbxId pbx, const trunks::PbxReport& report) {
    const std::string& name = (*site_)[pbx].name;
    const auto known = pbx_connected_.find(name);
    if (known == pbx_connected_.end() || known->second != report.connected)
      tell(report.connected ? EventId::PbxConnected : EventId::PbxLost, "pbx " + name,
           report.connected ? name + " answers." : name + ": " + report.detail);
    pbx_connected_[name] = report.connected;
    if (!report.corrected) return;
    metrics_->actuator_correction(name);
    tell(EventId::PbxCorrected, "pbx " + name, name + " had lost or changed the order (a restart, or a hand); it has ours again.");
  };
  return h;
}

void Daemon::wait_signal() {
  signals_.async_wait([this](boost::system::error_code error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
      return wait_signal();
    }
    stop(signal == SIGTERM ? "SIGTERM" : "SIGINT");
  });
}

void Daemon::reload() {
  runtime::sd_notify("RELOADING=1");
  config::Loaded loaded = config::load(site_->file);
  if (!loaded.site) {
    std::string all;
    for (const config::Problem& p : loaded.problems)
      all += (all.empty() ? "" : " | ") + fmt::format("{}:{}:{}: {}", site_->file, p.line, p.column, p.what);
    metrics_->config_reload(false, wall_now());
    tell(EventId::ConfigRejected, "",
         fmt::format("The new configuration has {} mistakes and is not used; the one before stays. linekeeper config check {}",
                     loaded.problems.size(), site_->file),
         {{"problems", all}});
    runtime::sd_notify("READY=1");
    return;
  }
  const model::Endpoints& now = site_->endpoints;
  const model::Endpoints& then = loaded.site->endpoints;
  if (now.control_socket != then.control_socket || now.journal != then.journal || now.recording_mib != then.recording_mib ||
      now.http_port != then.http_port || now.http_address != then.http_address)
    runtime::log(Level::Warning, "sockets, page address, journal and its size change only with a restart: systemctl restart linekeeper");
  const Senses::Kept kept = senses_->kept();
  std::vector<std::string> retired;
  for (const model::TrafficClass& c : site_->classes)
    if (std::ranges::find(loaded.site->classes, c.name, &model::TrafficClass::name) == loaded.site->classes.end()) retired.push_back(c.name);
  const auto site = std::make_shared<const model::Site>(std::move(*loaded.site));
  if (auto done = begin(site, kept, std::move(retired)); !done) {
    metrics_->config_reload(false, wall_now());
    tell(EventId::ConfigRejected, "", "The new configuration could not be taken into use, the one before stays: " + done.error().to_string());
    runtime::sd_notify("READY=1");
    return;
  }
  metrics_->reconfigure(*site_);
  metrics_->config_reload(true, wall_now());
  tell(EventId::ConfigReloaded, "",
       fmt::format("Configuration {} is in use: {} circuits, {} carriers.", site_->file, site_->circuits.size(), site_->carriers.size()),
       {{"config_sha256", site_->sha256}});
  follow_probing(~std::uint64_t{0});
  own_calls_->start();  // before the senses: they tell it the links
  senses_->start();
  checks_->start();
  if (calls_) calls_->start();
  if (resolvers_) resolvers_->start();
  actuators_->start();
  orders_changed();
  runtime::sd_notify("READY=1");
}

void Daemon::stop(const std::string& why) {
  if (std::exchange(stopping_, true)) return;
  runtime::sd_notify("STOPPING=1");
  tell(EventId::DaemonStopped, "",
       fmt::format("linekeeperd stops ({}). Routes stay as they are; each PBX keeps our order until its lease ends.", why));
  for (const auto& [path, debt] : senses_->floors())
    if (debt.floor_until > Instant{}) remember_debt(path, debt);
  remember_learned();
  journal_->put_fact({kCleanStop, "1"});
  verifications_.clear();
  senses_->stop();
  checks_->stop();
  if (calls_) calls_->stop();
  own_calls_->stop();
  if (resolvers_) resolvers_->stop();
  actuators_->stop();
  recorder_->flush();
  wake_.cancel();
  tick_.cancel();
  boost::system::error_code ignored;
  signals_.cancel(ignored);
  for (PendingAct& act : std::exchange(pending_, {}))
    act.respond({.status = 503,
                 .body = R"({"error":{"exit":1,"message":"linekeeperd stops","remedy":"The order is kept; look again with: linekeeper status"}})"});
  http_->stop([this] { journal_->close(); });
}

void Daemon::every_tick() {
  const Instant now = awake();
  const model::Duration lag = std::max<model::Duration>(now - next_tick_, model::Duration::zero());
  metrics_->loop_lag(lag);
  if (lag > kStalled)
    tell(EventId::LoopStalled, "", fmt::format("The daemon did not run for {:.1f} s (suspended, or starved of CPU).", model::seconds(lag)),
         {{"lag_ms", std::to_string(lag / std::chrono::milliseconds(1))}});
  verify_trunks();
  verify_classes();
  answer_pending(now);
  if (now >= next_second_) every_second(now);
  if (std::exchange(status_due_, false)) stream_status();
  next_tick_ = boot_now() + kTick;
  tick_.expires_after(kTick);
  tick_.async_wait([this](boost::system::error_code error) {
    if (!error && !stopping_) every_tick();
  });
}

bool Daemon::look_at_windows() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::time_point(wall_now().time_since_epoch()));
  std::tm local{};
  localtime_r(&now, &local);  // the window is meant by the site's own clock, daylight saving and all
  const std::chrono::minutes minute{local.tm_hour * 60 + local.tm_min};
  std::vector<std::string> open;
  const auto look = [&](const std::string& name, const model::Failback& f) {
    if (f.mode != model::FailbackMode::Window) return;
    const bool in = f.opens < f.closes ? minute >= f.opens && minute < f.closes : minute >= f.opens || minute < f.closes;
    if (in) open.push_back(name);
  };
  for (const model::TrafficClass& c : site_->classes) look(c.name, c.failback);
  for (const model::Trunk& t : site_->trunks) look(t.name, t.failback);
  const bool changed = open != open_windows_;
  open_windows_ = std::move(open);
  return changed;
}

void Daemon::every_second(Instant now) {
  next_second_ = now + std::chrono::seconds(1);
  if (now >= next_remember_) remember_learned();
  if (!overrides_loaded_ && !journal_->failing()) {
    load_overrides();
    orders_changed();
  }
  if (look_at_windows()) orders_changed();
  move_resolvers();
  for (const model::Override& o : overrides_.expire(wall_now())) {
    tell(EventId::OverrideExpired, o.subject.empty() ? "" : o.subject,
         fmt::format("Override {} ({}) by {} has ended; automatic choice is back.", o.id, o.reason, o.owner));
    journal_->remove_override(o.id, [](const model::Result<void>&) {});
    orders_changed();
  }
  metrics_->loop_tick(wall_now());
  metrics_->events_dropped(telemetry::Sink::Journal, journal_->dropped());
  metrics_->recording_blocks_dropped(journal_->dropped_blocks());
  const model::Status now_so = status();
  if (calls_) calls_->every_second(now_so, now);
  own_calls_->every_second(now_so, now);
  metrics_->update(now_so);
  recorder_->every_second(now_so, *decider_);
  status_due_ = true;
}

}  // namespace linekeeper::daemon
