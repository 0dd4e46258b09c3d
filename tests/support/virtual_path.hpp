#pragma once
// One path in virtual time: the client's rules (OptionsPath), a carrier that answers as the test says, and the verdict
// (PathHealth) that comes of it. Every start and packet is written down as the carrier would hear it.
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "carriers/sip/options_path.hpp"
#include "controller/decision/path_health.hpp"

namespace linekeeper::tests {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

inline constexpr Instant kPathStart{1000s};

inline model::Site one_path(Duration interval = 15s, Duration floor = 10s, Duration deadline = 3s, int verify_burst = 4) {
  model::Site s;
  s.circuits = {{.name = "fiber"}};
  s.carriers = {{.name = "north", .interval = interval, .floor = floor, .deadline = deadline, .verify_burst = verify_burst}};
  return s;
}

class VirtualPath {
 public:
  struct Reply {
    int status = 200;
    Duration after = 30ms;
    std::optional<Duration> retry_after = std::nullopt;
    std::optional<sip::Challenge> challenge = std::nullopt;
  };
  /// What becomes of a packet: a reply, or nothing. @param n counts the packets of its OPTIONS from 0
  using Carrier = std::function<std::optional<Reply>(Instant now, std::uint64_t sequence, int n)>;

  explicit VirtualPath(model::Site settings, std::uint64_t seed = 1, sip::Debt debt = {}, Instant start = kPathStart)
      : site(std::move(settings)),
        now(start),
        random_(seed),
        path_(model::CarrierId{0}, site.carriers[0], model::CircuitId{0}, runtime::SeededRandom(seed + 1), debt),
        health(site, model::CarrierId{0}, model::CircuitId{0}, start) {
    path_.begin(now, 0s);
  }

  void run_until(Instant end) {
    while (true) {
      Instant next = std::min(path_.next_wakeup(), wake_);
      if (!replies_.empty()) next = std::min(next, replies_.begin()->first);
      if (next > end) break;
      now = std::max(now, next);
      step();
    }
    now = end;
  }
  void run(Duration span) { run_until(now + span); }
  /// The daemon dies and another comes; what it owes is carried over as it is given.
  void restart(const sip::Debt& debt) {
    path_ = sip::OptionsPath(model::CarrierId{0}, site.carriers[0], model::CircuitId{0}, runtime::SeededRandom(random_.next()), debt);
    replies_.clear();
    path_.begin(now, 0s);
  }
  void take(const std::optional<model::Observation>& one) {
    if (!one) return;
    told.push_back(*one);
    std::visit(
        [this](const auto& o) {
          if constexpr (requires { health.on(o, now); }) health.on(o, now);
        },
        *one);
    judge();
  }
  void judge() {
    const bool was = health.down_by_carrier();
    health.judge(below, now);
    if (!was && health.down_by_carrier()) downs.push_back(now);
    wake_ = health.next_wakeup();
    if (wake_ <= now) wake_ = now + 1ns;
  }
  [[nodiscard]] const sip::OptionsPath& path() const { return path_; }
  sip::OptionsPath& path() { return path_; }

  model::Site site;
  Instant now;
  Carrier carrier = [](Instant, std::uint64_t, int) { return Reply{}; };
  decision::Below below{.health = model::Health::Up};
  /// Of each OPTIONS that started: what it was called, and whether it had credentials.
  std::vector<sip::TransactionIds> calls;
  std::vector<bool> with_credentials;
  std::vector<Instant> starts, packets, downs;
  std::vector<model::Observation> told;
  /// Nothing leaves: our own side fails.
  bool broken = false;

 private:
  void step() {
    while (!replies_.empty() && replies_.begin()->first <= now) {
      const sip::Response r = replies_.begin()->second;
      replies_.erase(replies_.begin());
      take(path_.on_response(r, now));
    }
    for (auto turn = path_.turn(now); turn.act != sip::OptionsPath::Act::Nothing; turn = path_.turn(now)) {
      if (turn.act == sip::OptionsPath::Act::Tell) take(turn.told);
      if (turn.act == sip::OptionsPath::Act::Repeat) hear(turn.sequence);
      if (turn.act != sip::OptionsPath::Act::Start) continue;
      if (broken) {
        take(path_.not_started(turn.sequence, 101, now));
        continue;
      }
      auto ids = path_.next_ids(random_, turn.sequence);
      ids_[turn.sequence] = ids;
      sent_[turn.sequence] = 0;
      starts.push_back(now);
      calls.push_back(ids);
      auto* const digest = path_.digest(now);
      with_credentials.push_back(digest != nullptr && digest->header("OPTIONS", "sip:north").has_value());
      path_.started(turn.sequence, std::move(ids), "OPTIONS", now);
      hear(turn.sequence);
    }
    if (wake_ <= now) judge();
  }
  void hear(std::uint64_t sequence) {
    packets.push_back(now);
    const auto reply = carrier(now, sequence, sent_[sequence]++);
    if (!reply) return;
    const auto& ids = ids_[sequence];
    replies_.emplace(now + reply->after, sip::Response{.status = reply->status,
                                                       .branch = ids.branch,
                                                       .cseq = ids.cseq,
                                                       .cseq_method = "OPTIONS",
                                                       .call_id = ids.call_id,
                                                       .received = {},
                                                       .rport = {},
                                                       .retry_after = reply->retry_after,
                                                       .bytes = 300,
                                                       .challenge = reply->challenge});
  }

  runtime::SeededRandom random_;
  sip::OptionsPath path_;
  Instant wake_ = model::kNever;
  std::multimap<Instant, sip::Response> replies_;
  std::map<std::uint64_t, sip::TransactionIds> ids_;
  std::map<std::uint64_t, int> sent_;

 public:
  decision::PathHealth health;
};

}  // namespace linekeeper::tests
