#pragma once
// The shape of the diagnosis table: what a thing looks like (`Seen`), which looks a line of the table takes (`Conditions`), and the
// one function that matches them. The lines themselves are in diagnosis_table.cpp.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "controller/model/diagnosis.hpp"

namespace linekeeper::decision {

/// What a line is about.
enum class Scope : std::uint8_t { Everything, Circuit, Carrier, Target, Resolver, Check };

enum class Us : std::uint8_t { Well, Starting, Late, CannotSend };
enum class Others : std::uint8_t { Apart, GoneTogether, DeadTogether, SilentTogether };
enum class LinkSeen : std::uint8_t { Unknown, Up, NoAddress, Down };
enum class GatewaySeen : std::uint8_t { Unknown, Answers, Dead };
enum class Beyond : std::uint8_t { Unknown, Answers, Suspect, Recovering, Unsent, Lossy, Delayed, Dead, Odd };
enum class Loss : std::uint8_t { Unknown, Outbound, Inbound };
enum class Answer : std::uint8_t { NotAsked, Well, Warns, NoCalls, PartlyDead, Dead };
enum class Elsewhere : std::uint8_t { NotAsked, Well, Same };
enum class Filters : std::uint8_t { No, Yes };
enum class Finding : std::uint8_t { Nothing, Portal, Hole, OtherAddress };

template <class E>
concept Look = std::is_same_v<E, Us> || std::is_same_v<E, Others> || std::is_same_v<E, LinkSeen> || std::is_same_v<E, GatewaySeen> ||
               std::is_same_v<E, Beyond> || std::is_same_v<E, Loss> || std::is_same_v<E, Answer> || std::is_same_v<E, Elsewhere> ||
               std::is_same_v<E, Filters> || std::is_same_v<E, Finding>;

/// A set of values of one of the enumerations above; the default takes any.
template <Look E>
class AnyOf {
 public:
  constexpr AnyOf() = default;
  constexpr AnyOf(E value) : bits_(bit(value)) {}  // NOLINT(google-explicit-constructor): a line of the table reads as plain values
  [[nodiscard]] constexpr bool takes(E value) const { return (bits_ & bit(value)) != 0; }
  [[nodiscard]] constexpr bool any() const { return bits_ == kAll; }
  friend constexpr AnyOf operator|(AnyOf a, AnyOf b) {
    a.bits_ |= b.bits_;
    return a;
  }

 private:
  static constexpr std::uint32_t kAll = ~0U;
  static constexpr std::uint32_t bit(E value) { return 1U << static_cast<unsigned>(value); }
  std::uint32_t bits_ = kAll;
};

template <Look E>
constexpr AnyOf<E> operator|(E a, E b) {
  return AnyOf<E>(a) | AnyOf<E>(b);
}

/// How one thing looks now.
struct Seen {
  Us us = Us::Well;
  Others others = Others::Apart;
  LinkSeen link = LinkSeen::Unknown;
  GatewaySeen gateway = GatewaySeen::Unknown;
  Beyond beyond = Beyond::Unknown;
  Loss loss = Loss::Unknown;
  Answer answer = Answer::NotAsked;           ///< of the carrier, target or resolver by this circuit
  Elsewhere elsewhere = Elsewhere::NotAsked;  ///< the same by the other circuits
  Finding finding = Finding::Nothing;         ///< of the slower checks; `elsewhere` is then what the same check says by other circuits
  Filters filters = Filters::No;              ///< the target is the gateway itself, which need not answer echo requests
};

/// What a line takes. Nothing but the kernel's word is concluded while we doubt ourselves, unless the line says so.
struct Conditions {
  AnyOf<Us> us = Us::Well;
  AnyOf<Others> others;
  AnyOf<LinkSeen> link;
  AnyOf<GatewaySeen> gateway;
  AnyOf<Beyond> beyond;
  AnyOf<Loss> loss;
  AnyOf<Answer> answer;
  AnyOf<Elsewhere> elsewhere;
  AnyOf<Filters> filters;
  AnyOf<Finding> finding;
};

/// Who can do something about it.
enum class Call : std::uint8_t { Nobody, ThisMachine, OwnSite, CableThenProvider, Provider, Providers, Carrier, CarrierThenProvider };

struct Row {  // NOLINT(clang-analyzer-optin.performance.Padding): in the order in which a line is read
  Scope about;
  Conditions when;
  std::optional<model::Failed> failed;  ///< nothing: not wrong, or named by a line above already
  model::FailureMode mode = model::FailureMode::None;
  bool one_cell = false;      ///< of a carrier or target: by this circuit only, which is named with it
  bool coarse = false;        ///< for want of evidence: does not take back a finer name
  std::string_view headline;  ///< {circuit}, {provider}, {carrier}, {target} are put in
  Call call = Call::Nobody;
  std::string_view done;  ///< what Linekeeper does about it
};

[[nodiscard]] std::span<const Row> diagnosis_table();

/// The first line about `scope` that takes `seen`; its position, or nothing.
[[nodiscard]] std::optional<std::size_t> first_match(Scope scope, const Seen& seen);

}  // namespace linekeeper::decision
