#pragma once
// The UDP socket that a PBX mirrors its SIP to (HEP3), and the book that it is put together in. Listens on one configured address of this
// host or its LAN; takes packets from this host, or from whom [calls] allow names, and with the right key, where one is set.
//
// Packets that the kernel dropped because we were slow are noticed (SO_RXQ_OVFL, socket(7)): then nothing is concluded from what was not
// heard of calls under way.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "carriers/calls/call_book.hpp"
#include "controller/model/error.hpp"

namespace linekeeper::calls {

class HepListener {
 public:
  using Sink = std::function<void(const model::Observation&)>;
  struct Counts {
    std::uint64_t packets = 0;  ///< that were read
    std::uint64_t refused = 0;  ///< from somebody who may not send, or without the key
    std::uint64_t malformed = 0;
    std::uint64_t dropped = 0;  ///< by the kernel, before we read them
  };

  /// @param site  with Calls::on()
  static model::Result<std::unique_ptr<HepListener>> open(boost::asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, Sink sink);
  ~HepListener() { stop(); }
  HepListener(const HepListener&) = delete;
  HepListener& operator=(const HepListener&) = delete;

  void start();
  void stop();  ///< no sink call after this returns
  /// Told to the sink: what each trunk carries, where it has changed since it was last told. To be called once a second.
  void tell_loads(model::Instant now);
  [[nodiscard]] CallBook& book() { return book_; }
  [[nodiscard]] const CallBook& book() const { return book_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  /// What receivers say of the voice by this way, and what they said is part of its status.
  [[nodiscard]] model::CallQuality quality(model::CarrierId carrier, model::CircuitId circuit) const;

 private:
  HepListener(boost::asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, Sink sink);
  model::Result<void> read_key();
  model::Result<void> bind();
  void wait();
  void drain();
  int receive();
  void take(const model::IpAddress& sender, std::span<const std::uint8_t> bytes, model::Instant now);
  void take_rtcp(const HepPacket& packet);
  [[nodiscard]] bool allowed(const model::IpAddress& sender) const;
  void tell(const std::vector<model::CallOutcome>& outcomes);
  void arm();

  model::SitePtr site_;
  Sink sink_;
  std::string key_;  // empty: none is asked for
  CallBook book_;
  boost::asio::ip::udp::socket socket_;
  boost::asio::steady_timer timer_;
  model::Instant armed_ = model::kNever;
  std::vector<std::uint8_t> buffer_;
  std::uint32_t overflows_ = 0;  // as the kernel last counted
  Counts counts_;
  std::map<model::TrunkId, model::TrunkLoad> loads_;  // as last told
  std::map<std::pair<model::CarrierId, model::CircuitId>, model::CallQuality> quality_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(false);  // shared with pending handlers: stop() makes them inert
};

}  // namespace linekeeper::calls
