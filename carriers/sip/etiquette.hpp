#pragma once
// How often a carrier may be asked. Carriers ban those who ask more than once in 10 to 15 seconds, so one place decides
// when the next OPTIONS of a path may start, and nothing - suspicion, a new socket, a reload, a restart - asks more often.
// (Retransmissions belong to the OPTIONS they repeat.) Two rules, counted from start to start:
//
//  - the floor: an OPTIONS may start when the one before it, of whatever kind, is `floor` old;
//  - the burst: while a carrier is under suspicion an OPTIONS may start sooner, for a token. There are `verify_burst` of
//    them, and one comes back each `interval`. So in any time T no carrier hears more than 1 + T/floor + verify_burst + T/interval.
//
// A suspicion spends its tokens at +1, +1.75, +2.75 and +4 s from the OPTIONS that stayed unanswered, where the floor would take
// much longer; then it is over for that silence, and a carrier that is dead for hours is asked at the floor's pace. The bucket is
// kept as one instant, the one at which it is full again (the "generic cell rate algorithm" of ITU-T I.371): that is what survives.
#include <algorithm>
#include <memory>

#include "controller/model/site.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::sip {

/// What is owed to a carrier on one path: handed from one client of the path to the next, over reloads and restarts.
struct Debt {
  model::Instant floor_until = model::Instant::min();  ///< nothing may start before this without a token; min(): nothing was ever sent
  model::Instant burst_full{};                         ///< all tokens are there again
};

/// Where a carrier counts what it hears from all circuits together (`carrier_floor`): one for all its paths. Nothing of it needs to be
/// written down: it follows from what each path owes.
struct CarrierPace {
  model::Duration gap{};  ///< from start to start, whichever circuit each goes by
  model::Instant free_at = model::Instant::min();
  /// A path is owed this much.
  void owed(const Debt& debt, const model::Carrier& carrier) {
    if (debt.floor_until != model::Instant::min()) free_at = std::max(free_at, debt.floor_until - carrier.floor + gap);
  }
};

class Etiquette {
 public:
  /// Of `carrier` only interval, floor and verify_burst. The interval is jittered by 10 %, and never goes below the floor.
  Etiquette(const model::Carrier& carrier, runtime::SeededRandom random, Debt debt = {});

  /// One etiquette for several endpoints of a path: what one of them is sent counts for all, so that together they keep to the floor and to the
  /// tokens of one. @param common  of all of them @param in_turn  how many there are: each is asked that much more seldom
  void take_turns(std::shared_ptr<Debt> common, int in_turn);

  /// When the next OPTIONS of the usual pace starts; kNever until begin().
  [[nodiscard]] model::Instant next() const { return next_ == model::kNever ? next_ : std::max({next_, debt().floor_until, spared_until_}); }
  /// When the next that a suspicion asks for may start; kNever when there is none.
  [[nodiscard]] model::Instant next_verify() const;
  /// An OPTIONS may start now without a token.
  [[nodiscard]] bool free(model::Instant now) const { return now >= std::max(debt().floor_until, spared_until_); }
  [[nodiscard]] const Debt& debt() const { return *debt_; }

  void begin(model::Instant now, model::Duration first_after);
  /// Its first packet has left. `now` is at or after next() or next_verify().
  void started(model::Instant now);
  /// It ended badly (silence, refusal, a code that costs service): the next of the usual pace comes as soon as the floor
  /// allows, and a little later so that the paths of a carrier do not fall into step.
  void suspected(model::Instant now);
  /// Nothing at all is heard: verify from `from` on. A silence that is being verified, or was, asks for nothing more.
  void silent(model::Instant from);
  /// A response that means "no calls": it shall be said a second time before it is believed, a second later, for a token. Twice at
  /// the most before a good answer comes.
  void rejected(model::Instant now);
  /// The carrier is under suspicion through another circuit: is it there through this one? One OPTIONS now, for a token where the floor
  /// would take longer. A suspicion of this path's own asks more than that, and goes on.
  void doubted(model::Instant now);
  /// The carrier has asked for less: nothing starts before then, for a token neither.
  void spare(model::Instant until);
  /// Somebody is there: the silence is over.
  void stirred();
  /// A good answer: nothing is suspected any more.
  void answered();
  /// Nothing could be sent: try again after a second, then two, four..., up to the interval.
  void not_sent(model::Instant now);
  /// The way has changed (new address, new interface): ask soon.
  void changed(model::Instant now);

 private:
  void bring_forward(model::Instant now, model::Duration spread);
  void verify(model::Instant from, int most);
  [[nodiscard]] model::Instant token_at() const;

  model::Duration interval_, floor_, retry_;
  int burst_;
  runtime::SeededRandom random_;
  std::shared_ptr<Debt> debt_;  // shared with the other endpoints of the path
  int in_turn_ = 1;
  model::Instant next_ = model::kNever;
  model::Instant verify_at_ = model::kNever;
  model::Instant spared_until_ = model::Instant::min();
  int verify_left_ = 0;       // of the suspicion that is on
  int verified_ = 0;          // of it, already sent
  bool silence_met_ = false;  // this silence has had its burst
  int confirmations_ = 0;     // asked for by bad answers, since the last good one
};

}  // namespace linekeeper::sip
