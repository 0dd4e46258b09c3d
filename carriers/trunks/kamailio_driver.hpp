#pragma once
// Makes a Kamailio prefer carriers in our order: one leased string in an htable, set, read back, refreshed; when we die the
// lease ends and Kamailio uses its static order (kamailio.cfg snippet: carriers/trunks/kamailio/). Never an empty set.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::trunks {

/// What the driver tells of its PBX.
struct PbxReport {
  bool connected = false;  ///< the last RPC was answered
  bool in_sync = false;    ///< what was read back equals what is desired
  bool corrected = false;  ///< this time something foreign (restart, a hand) had to be put right
  std::string detail;      ///< what is wrong and what to do; empty when in sync
};

/// How often the driver looks by itself. The defaults put a restarted PBX right within 10 s.
struct Pace {
  model::Duration look = std::chrono::seconds(3);  ///< between two read-backs; jittered, as the others, by 20 %
  model::Duration retry_first = std::chrono::milliseconds(500);
  model::Duration retry_last = std::chrono::seconds(5);  ///< the back-off doubles up to this
};

class KamailioDriver {
 public:
  using OnReport = std::function<void(const PbxReport&)>;
  /// Answer to apply(): done and read back equal, or why not.
  using OnApplied = std::function<void(model::Result<void>)>;

  /// @param client_directory  where our own datagram socket is bound (must be reachable by Kamailio)
  KamailioDriver(boost::asio::any_io_executor executor, const model::Pbx& pbx, std::string client_directory, OnReport on_report, Pace pace = {});
  ~KamailioDriver();
  KamailioDriver(const KamailioDriver&) = delete;
  KamailioDriver& operator=(const KamailioDriver&) = delete;

  void start();  ///< begins the heartbeat: re-asserts every pbx.refresh; looks every few seconds so that a restart is put right within 10 s
  void stop();   ///< leaves the lease to run out; no callback is called any more

  /// The latest order of a key wins: an earlier one still under way is answered with an error (code ECANCELED). After an
  /// error the order stays wanted: it is tried again with back-off until it stands.
  /// @param key   htable key of the trunk: letters, digits, '_', '-', '.'
  /// @param sets  dispatcher sets, best first; must not be empty (refused with an error, nothing is sent)
  void apply(const std::string& key, const std::vector<int>& sets, OnApplied on_applied);
  /// Reads what stands: the sets in order, or nothing when there is no lease.
  void read(const std::string& key, std::function<void(model::Result<std::optional<std::vector<int>>>)> on_read);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::trunks
