#include "tests/sim/frontier/peers.hpp"

#include <vector>

#include "controller/model/assert.hpp"

namespace linekeeper::sim::frontier {

using namespace std::chrono_literals;

namespace {

Peer of_paced(std::string_view name, std::string_view setting, std::string_view threshold, std::string_view source, int shipped, const Paced& s) {
  return {.name = name,
          .setting = setting,
          .threshold = threshold,
          .source = source,
          .packets_per_second = 1 / model::seconds(s.interval),
          .shipped = shipped,
          .most = s.window,
          .make = [s](std::uint64_t seed, Instant begin) { return paced(s, seed, begin); }};
}

Peer of_bfd(std::string_view name, Duration interval, int shipped) {
  return {.name = name,
          .setting = "asynchronous mode, one neighbour",
          .threshold = "detect multiplier",
          .source = "RFC 5880 6.8",
          .packets_per_second = 1 / (0.875 * model::seconds(interval)),
          .shipped = shipped,
          .make = [interval](std::uint64_t seed, Instant begin) { return bfd(interval, seed, begin); }};
}

Peer of_rounds(std::string_view name, std::string_view setting, std::string_view threshold, std::string_view source, int shipped, const Rounds& s) {
  return {.name = name,
          .setting = setting,
          .threshold = threshold,
          .source = source,
          .packets_per_second = s.hosts / model::seconds(s.interval),
          .shipped = shipped,
          .make = [s](std::uint64_t seed, Instant begin) { return rounds(s, seed, begin); }};
}

Peer of_transactions(std::string_view name, std::string_view setting, Duration interval, Duration deadline) {
  return {.name = name,
          .setting = setting,
          .threshold = "ds_probing_threshold",
          .source = "Kamailio dispatcher and tm modules; RFC 3261 17.1.2",
          .packets_per_second = 1 / model::seconds(interval),
          .shipped = 1,
          .make = [=](std::uint64_t seed, Instant begin) { return transactions(interval, deadline, seed, begin); }};
}

std::vector<Peer> all() {
  // The plain rules probe as we do: 5/s, jittered by 10 %, an answer overdue after 100 ms.
  constexpr Paced kFive{.interval = 200ms, .jitter = 0.1, .timeout = 100ms};
  const auto over = [=](int window) {
    Paced s = kFive;
    s.window = window;
    return s;
  };
  return {
      of_paced("K in a row", "5/s", "losses in a row", "the common rule", 3, kFive),
      of_paced("n of 20", "5/s", "lost of the last 20", "the common rule", 0, over(20)),
      of_paced("window 10 s", "5/s", "lost of the last 50", "the common rule", 0, over(50)),
      of_paced("window 60 s", "5/s", "lost of the last 300", "the common rule", 0, over(300)),
      of_bfd("BFD 300 ms", 300ms, 3),
      of_bfd("BFD 50 ms", 50ms, 3),
      // The array of a window holds time_period / send_interval probes; those younger than the loss interval and unanswered do not count yet.
      // "Exceeds 20 %" in whole per cent is 21 %: 25 of 116; 30 %: 31 %, 5 of 16.
      of_paced("dpinger, pfSense defaults", "500 ms, 60 s window, loss after 2 s, alarm each 1 s above 20 % or 500 ms", "lost of 116",
               "dpinger README and NOTES; pfSense gateway settings", 25,
               {.interval = 500ms, .timeout = 2s, .tick = 1s, .window = 116, .too_slow = 500ms}),
      of_paced("dpinger, fast", "100 ms, 2 s window, loss after 400 ms, alarm each 100 ms above 30 % or 150 ms", "lost of 16",
               "dpinger README and NOTES", 5, {.interval = 100ms, .timeout = 400ms, .tick = 100ms, .window = 16, .too_slow = 150ms}),
      of_rounds("mwan3, shipped", "4 hosts, reliability 2, count 1, timeout 4 s, interval 10 s", "down", "OpenWrt mwan3 documentation", 5,
                {.hosts = 4, .reliability = 2, .timeout = 4s, .interval = 10s}),
      of_rounds("mwan3, fastest", "1 host, timeout 1 s, interval 1 s", "down", "OpenWrt mwan3 documentation", 3,
                {.hosts = 1, .reliability = 1, .timeout = 1s, .interval = 1s}),
      of_rounds("keepalived", "ping each 1 s, timeout 1 s", "fall", "keepalived.conf(5), vrrp_script", 3,
                {.hosts = 1, .reliability = 1, .timeout = 1s, .interval = 1s, .from_end = false}),
      of_transactions("Kamailio, ping 10 s", "OPTIONS each 10 s, fr_timer 30 s", 10s, 30s),
      of_transactions("Kamailio, ping 1 s", "OPTIONS each 1 s, fr_timer 2 s", 1s, 2s),
  };
}

}  // namespace

std::span<const Peer> peers() {
  static const std::vector<Peer> kAll = all();
  return kAll;
}

std::size_t peer_named(std::string_view name) {
  for (std::size_t i = 0; i < peers().size(); ++i)
    if (peers()[i].name == name) return i;
  LK_ASSERT(false && "no peer of that name");
  return 0;
}

}  // namespace linekeeper::sim::frontier
