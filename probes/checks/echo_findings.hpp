#pragma once
// What a series of echoes comes to: whether large packets pass, and which routers are on the way. Pure.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/model/check.hpp"

namespace linekeeper::probes {

/// One echo that is to be sent.
struct EchoWanted {
  std::size_t size = 64;  ///< of the whole IP packet
  int hop_limit = 0;      ///< TTL; 0: the usual
};

/// An ICMP error, or a word of our own stack, about one echo.
struct EchoError {
  bool from_network = false;
  int error = 0;          ///< errno
  bool too_big = false;   ///< a packet that may not be fragmented does not fit
  bool expired = false;   ///< its hop limit ran out on the way
  std::uint32_t mtu = 0;  ///< of too_big: what fits; 0: not said
  model::IpAddress from;  ///< who said so
};

struct EchoFate {
  EchoWanted wanted;
  std::optional<model::Duration> round_trip;
  std::optional<EchoError> error;  ///< the first; an answer counts even so
};

inline constexpr std::size_t kSmallEcho = 64;
inline constexpr int kEchoTries = 3;

/// Small and large in turn, each kEchoTries times.
[[nodiscard]] std::vector<EchoWanted> mtu_series(int size);
/// Each hop limit up to `depth`, twice.
[[nodiscard]] std::vector<EchoWanted> hops_series(int depth);

/// By halves, between a size that was answered and one that was not, to the largest that is: eleven steps from 64 to 1500 bytes.
class SizeSearch {
 public:
  SizeSearch(int answered, int silent) : answered_(answered), silent_(silent) {}
  [[nodiscard]] int next() const { return answered_ + (silent_ - answered_) / 2; }  ///< the size to be sent now, while there are steps_left()
  void heard(bool answer) { (answer ? answered_ : silent_) = next(); }
  [[nodiscard]] int steps_left() const;  ///< at the most
  [[nodiscard]] int largest() const { return answered_; }

 private:
  int answered_, silent_;
};
inline constexpr int kSearchTries = 2;  ///< echoes of each size: with one, a lost packet would count as too large

/// How long each step of a search may wait for its echoes, when all of them have `left`; nothing when an answer might not come in that time.
/// @param fates  of the series that found the hole
[[nodiscard]] std::optional<model::Duration> search_step(const SizeSearch& search, std::span<const EchoFate> fates, model::Duration left);

/// "31.2 ms", "0.38 ms"
[[nodiscard]] std::string milliseconds(model::Duration d);

/// Fills result, took, code and detail. An MTU hole: small ones are answered, two at least, no large one is, and nobody says why.
void read_mtu(std::span<const EchoFate> fates, int size, model::CheckOutcome& out);
/// Adds the largest size that passes a hole to code and detail.
void read_largest(int size, model::CheckOutcome& out);
/// Fills result, hops and detail. @param target  its own answer ends the list
void read_hops(std::span<const EchoFate> fates, const model::IpAddress& target, model::CheckOutcome& out);
/// Fills result, took and detail of echoes that are only to be answered.
void read_echoes(std::span<const EchoFate> fates, model::CheckOutcome& out);

}  // namespace linekeeper::probes
