#pragma once
// Which connection an OPTIONS goes over, where there are connections: pure. One that works is used again; every so often a fresh one is
// made all the same, because a carrier that connects no more is not seen through a connection of yesterday. What was not answered for a
// second makes its connection suspect, and the next OPTIONS (etiquette has when) takes a fresh one: answered there, only the old flow was
// dead; silent there too, the peer is. The rejected alternative, several timeouts on one connection first, tells the same later.
#include <cstdint>
#include <deque>
#include <vector>

#include "controller/model/observation.hpp"

namespace linekeeper::sip {

inline constexpr int kColdEvery = 8;                ///< of so many OPTIONS over a connection that works, the last takes a fresh one
inline constexpr std::size_t kMostConnections = 6;  ///< of one path: a burst of suspicion and the one before it
using ConnectionId = std::uint64_t;                 ///< counts up from 1

class Connections {
 public:
  struct Choice {
    ConnectionId id = 0;
    bool fresh = false;  ///< to be made
  };
  /// For the OPTIONS that starts now; it waits on that connection from now on.
  Choice choose(std::uint64_t sequence);
  /// A response of any kind to `sequence` came: its connection works, and so none that is older is needed.
  void answered(std::uint64_t sequence);
  /// It was not answered for a second, or to the end.
  void silent(std::uint64_t sequence);
  /// Its transaction waits no more, or never began.
  void ended(std::uint64_t sequence);
  /// The connection is no more. @return which OPTIONS still waited on it
  std::vector<std::uint64_t> gone(ConnectionId id);
  /// Those that are of no use any more, forgotten here: to be closed.
  [[nodiscard]] std::vector<ConnectionId> surplus();
  void clear() { all_.clear(); }

  /// Why `sequence` was not answered: FlowDead or PeerDead.
  [[nodiscard]] model::SipFault fault(std::uint64_t sequence) const;
  /// The connection was made for this one: its round trip holds the connecting.
  [[nodiscard]] bool opened_by(std::uint64_t sequence) const;
  [[nodiscard]] ConnectionId of(std::uint64_t sequence) const;  ///< 0: none that is still there

 private:
  struct One {
    ConnectionId id = 0;
    std::uint64_t first = 0;  // the OPTIONS it was made for
    bool answered = false, suspect = false;
    int used = 1;  // by OPTIONS, the first one too
  };
  struct Use {
    std::uint64_t sequence = 0;
    ConnectionId id = 0;
    bool waits = true, fresh = false;
  };
  [[nodiscard]] const Use* use(std::uint64_t sequence) const;
  [[nodiscard]] Use* use(std::uint64_t sequence);
  [[nodiscard]] One* one(ConnectionId id);
  [[nodiscard]] bool waits_on(ConnectionId id) const;

  std::vector<One> all_;  // the oldest first
  std::deque<Use> uses_;  // of the last OPTIONS, ended ones too: a late answer comes over its own connection
  ConnectionId last_ = 0, last_answered_ = 0;
};

}  // namespace linekeeper::sip
