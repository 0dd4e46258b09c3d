#pragma once
// A site in virtual time whose judge is recorded as the daemon's is: probes and OPTIONS leave with jitter, answers take their time, the judge is
// woken a little late, as by a real timer. What was decided is kept as the journal would keep it.
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "controller/daemon/recorder.hpp"
#include "controller/decision/decider.hpp"
#include "controller/journal/recorded.hpp"
#include "tests/support/virtual_site.hpp"

namespace linekeeper::tests {

class RecordedSite {
 public:
  explicit RecordedSite(model::Site site = two_by_two(), unsigned seed = 1)
      : site_(std::make_shared<const model::Site>(std::move(site))),
        random_(seed),
        recorder_([this](journal::ObservationBlock b) { keep(std::move(b)); }, [this] { return wall(now_); }) {
    start();
  }

  /// As the daemon does at its start, and at a reload.
  void start(std::optional<model::Site> other = std::nullopt) {
    if (other) site_ = std::make_shared<const model::Site>(std::move(*other));
    sites[site_->sha256] = site_;
    decider_ = std::make_unique<decision::Decider>(site_, recorder_.started(*site_, "text of " + site_->sha256, now_));
    next_probe_.assign(site_->circuits.size(), now_ + 10ms);
    next_options_.assign(site_->carriers.size() * site_->circuits.size(), now_ + 50ms);
    replies_.clear();
    order({});
    for (std::size_t c = 0; c < site_->circuits.size(); ++c) link(c, true);
    const decision::Adopted adopted{.generation = 41, .classes = standing_};
    take(decider_->adopt(adopted, recorder_.told(adopted, now_)));
    for (std::size_t t = 0; t < site_->trunks.size(); ++t) {
      const decision::TrunkAdopted trunk{.trunk = model::id_at<model::TrunkId>(t), .sets = {}};
      take(decider_->adopt(trunk, recorder_.told(trunk, now_)));
    }
  }
  void order(std::vector<model::Override> overrides) {
    const decision::OrdersInForce orders{std::move(overrides)};
    take(decider_->order(orders, recorder_.told(orders, now_)));
  }
  void link(std::size_t circuit, bool up) {
    links_[circuit] = up;
    observe(model::LinkState{.circuit = model::id_at<model::CircuitId>(circuit),
                             .present = true,
                             .admin_up = true,
                             .carrier = up,
                             .ifindex = 2,
                             .address = model::IpAddress::parse("192.0.2.77"),
                             .gateway = model::IpAddress::parse("192.0.2.76")});
  }
  void black_hole(std::size_t circuit, bool on = true) { dead_[circuit] = on; }
  void lose(std::size_t circuit, double ratio) { loss_[circuit] = ratio; }

  void run(Duration span) {
    const Instant end = now_ + span;
    while (true) {
      Instant next = std::min({end, wakeup_, next_second_});
      for (const Instant t : next_probe_) next = std::min(next, t);
      for (const Instant t : next_options_) next = std::min(next, t);
      if (!replies_.empty()) next = std::min(next, replies_.begin()->first);
      if (next >= end) break;
      now_ = std::max(now_, next);
      step();
    }
    now_ = end;
  }
  void stop() { recorder_.flush(); }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] static model::WallTime wall(Instant at) {
    return model::WallTime(std::chrono::sys_days(std::chrono::November / 22 / 2026)) +
           std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch());
  }
  [[nodiscard]] model::SitePtr site() const { return site_; }

  std::vector<journal::RecordedBlock> blocks;
  std::vector<journal::RecordedEvent> events;
  std::vector<model::Plan> plans;
  std::map<std::string, model::SitePtr> sites;  // by sha256
  std::string boot_id = "boot";
  Duration timer_lateness = 3ms;  ///< a timer is never early, and so late at the most

 private:
  void keep(journal::ObservationBlock b) {
    blocks.push_back({.id = static_cast<std::int64_t>(blocks.size()) + 1,
                      .boot_id = boot_id,
                      .wall = b.wall,
                      .run = b.run,
                      .first = b.first,
                      .last = b.last,
                      .config_sha256 = b.configuration->sha256,
                      .bytes = std::move(b.bytes)});
  }
  void observe(const model::Observation& o) { take(decider_->observe(o, recorder_.told(o, now_))); }
  void take(const decision::Output& out) {
    wakeup_ = out.next_wakeup == model::kNever ? model::kNever : std::max(out.next_wakeup, now_) + late();
    for (model::Event e : out.events) {
      e.wall = wall(e.at);
      events.push_back({.event = std::move(e), .boot_id = boot_id});
    }
    if (!out.plan) return;
    plans.push_back(*out.plan);
    standing_.clear();
    for (const auto& c : out.plan->classes) standing_.push_back(c.circuit);
  }
  void step() {
    while (!replies_.empty() && replies_.begin()->first <= now_) {
      const auto reply = replies_.begin()->second;
      replies_.erase(replies_.begin());
      observe(reply);
    }
    for (std::size_t c = 0; c < next_probe_.size(); ++c)
      if (next_probe_[c] <= now_) probe(c);
    for (std::size_t p = 0; p < next_options_.size(); ++p)
      if (next_options_[p] <= now_) options(p);
    if (wakeup_ <= now_) {
      wakeup_ = model::kNever;
      take(decider_->wake(recorder_.woken(now_)));
    }
    if (next_second_ > now_) return;
    next_second_ = now_ + 1s;
    model::Status s;
    decider_->fill(s, now_);
    recorder_.every_second(s, *decider_);
  }
  bool lost(std::size_t c) { return dead_[c] || !links_[c] || std::uniform_real_distribution<>(0, 1)(random_) < loss_[c]; }
  Duration late() { return timer_lateness == Duration{} ? Duration{} : jitter(timer_lateness) + Duration{1}; }
  Duration jitter(Duration most) { return Duration(static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most.count()))); }
  void probe(std::size_t c) {
    next_probe_[c] = now_ + site_->probing.interval - 20ms + jitter(40ms);
    if (!links_[c]) return;
    const auto circuit = model::id_at<model::CircuitId>(c);
    const model::TargetId target = (*site_)[circuit].targets[turn_++ % (*site_)[circuit].targets.size()];
    const std::uint64_t sequence = ++sequence_[c];
    const Instant sent = now_;
    now_ += jitter(50us);
    observe(model::ProbeSent{circuit, target, sequence, sent});
    const Duration rtt = 15ms + jitter(10ms);
    if (!lost(c)) replies_.emplace(sent + rtt + jitter(1ms), model::ProbeReply{circuit, target, sequence, rtt});
  }
  void options(std::size_t p) {
    next_options_[p] = now_ + 1s + jitter(100ms);
    const std::size_t k = p / site_->circuits.size(), c = p % site_->circuits.size();
    model::SipOutcome o{
        .carrier = model::id_at<model::CarrierId>(k), .circuit = model::id_at<model::CircuitId>(c), .sequence = ++sip_sequence_[p], .sent = now_};
    const bool gone = lost(c);
    o.result = gone ? model::SipResult::Timeout : model::SipResult::Final;
    o.code = gone ? 0 : 200;
    o.reply = gone ? model::ReplyClass::Down : model::ReplyClass::Up;
    if (!gone) o.rtt = 20ms;
    replies_.emplace(now_ + (gone ? 800ms : 20ms), o);
  }

  model::SitePtr site_;
  std::minstd_rand random_;
  Instant now_{1000s};
  daemon::Recorder recorder_;
  std::unique_ptr<decision::Decider> decider_;
  Instant wakeup_ = model::kNever, next_second_{};
  std::vector<Instant> next_probe_, next_options_;
  std::map<std::size_t, std::uint64_t> sequence_, sip_sequence_;
  std::multimap<Instant, model::Observation> replies_;
  std::map<std::size_t, bool> links_, dead_;
  std::map<std::size_t, double> loss_;
  std::vector<std::optional<model::CircuitId>> standing_ = std::vector<std::optional<model::CircuitId>>(site_->classes.size());
  std::size_t turn_ = 0;
};

}  // namespace linekeeper::tests
