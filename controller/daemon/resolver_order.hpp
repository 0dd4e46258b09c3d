#pragma once
// Which resolvers this host is to use, in which order, and the file that says so (resolv.conf(5)). Pure.
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/site.hpp"

namespace linekeeper::daemon {

inline constexpr std::size_t kMostServers = 3;  ///< MAXNS of resolv.conf(5): more are not read
inline constexpr int kSilentAfter = 2;          ///< rounds without an answer: one may be a lost packet

/// The class whose circuit the file follows: the one of IPv4 without a match. Nothing: none, or no file is configured.
[[nodiscard]] std::optional<model::ClassId> followed_class(const model::Site& site);

/// Every resolver that may be named: those of the circuit in use, the fallback, those of other circuits (their providers may refuse, which is
/// found out by asking). Each once.
/// @param circuit nothing: not known yet; then each circuit's first comes first
[[nodiscard]] std::vector<model::IpAddress> candidates(const model::Site& site, std::optional<model::CircuitId> circuit);

/// What became of asking, by resolver.
class ResolverAnswers {
 public:
  /// The routes have changed: what is known is no longer true.
  void forget() { misses_.clear(); }
  void heard(const model::IpAddress& resolver, bool answered);
  [[nodiscard]] bool silent(const model::IpAddress& resolver) const;   ///< has missed kSilentAfter rounds in a row
  [[nodiscard]] bool answers(const model::IpAddress& resolver) const;  ///< the last time it was asked
  [[nodiscard]] bool asked(const model::IpAddress& resolver) const { return misses_.contains(resolver); }

 private:
  std::map<model::IpAddress, int> misses_;  // in a row
};

/// Those to be named, at most kMostServers and never none of some: silent ones last, and otherwise as they come. A resolver that somebody else's
/// circuit has is named before it has answered only where there is nobody else.
[[nodiscard]] std::vector<model::IpAddress> in_order(const model::Site& site, std::optional<model::CircuitId> circuit,
                                                     const ResolverAnswers& answers);

/// Whose word tells whether the circuit's resolvers answer: its own, or the fallback where it has none.
[[nodiscard]] std::span<const model::IpAddress> preferred(const model::Site& site, std::optional<model::CircuitId> circuit);

[[nodiscard]] std::string file_text(const model::Site& site, std::optional<model::CircuitId> circuit, std::span<const model::IpAddress> servers);

/// What a file of ours says. Nothing: it is not one.
struct FileSays {
  std::string circuit;
  std::vector<model::IpAddress> servers;
};
[[nodiscard]] std::optional<FileSays> read_text(std::string_view text);

}  // namespace linekeeper::daemon
