#include "controller/daemon/verification.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/post.hpp>

namespace linekeeper::daemon {
namespace asio = boost::asio;

namespace {
constexpr std::chrono::milliseconds kSpacing{20};  // 50/s over three targets for at most 3 s: within what a public target stands

struct FreeAddresses {
  void operator()(ifaddrs* all) const { ::freeifaddrs(all); }
};

}  // namespace

std::vector<OwnAddress> own_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};  // then no class is imitated by its source
  const std::unique_ptr<ifaddrs, FreeAddresses> all(first);
  std::vector<OwnAddress> own;
  for (const ifaddrs* a = first; a != nullptr; a = a->ifa_next) {
    if (a->ifa_addr == nullptr || (a->ifa_flags & IFF_UP) == 0) continue;
    const auto add = [&](model::Family family, const void* bytes) {
      own.push_back({.address = model::IpAddress::from_bytes(family, bytes), .interface = a->ifa_name});
    };
    if (a->ifa_addr->sa_family == AF_INET) add(model::Family::V4, &reinterpret_cast<const sockaddr_in*>(a->ifa_addr)->sin_addr);
    if (a->ifa_addr->sa_family == AF_INET6) add(model::Family::V6, &reinterpret_cast<const sockaddr_in6*>(a->ifa_addr)->sin6_addr);
  }
  return own;
}

std::optional<probes::Unbound> as_class_goes(const model::TrafficClass& traffic, const model::Site& site, model::CircuitId by,
                                             const std::vector<OwnAddress>& own) {
  // A target that another class leads elsewhere by its destination would prove that one's way.
  const auto led_elsewhere = [&](model::TargetId t) {
    return std::ranges::any_of(site.classes, [&](const model::TrafficClass& c) {
      return std::ranges::any_of(c.match.destinations, [&](const model::Prefix& p) { return p.contains(site[t].address); });
    });
  };
  if (std::ranges::any_of(site[by].targets, led_elsewhere)) return std::nullopt;
  // One that is shared goes by any of its circuits, as its answers do; that nothing else takes it the switch asks of the routing decision.
  probes::Unbound as{.source = {}, .arrives_by = traffic.shares() ? "" : site[by].interface};
  if (traffic.match.everything()) return as;
  if (!traffic.match.source || traffic.match.mark || traffic.match.incoming_interface || !traffic.match.destinations.empty()) return std::nullopt;
  for (const OwnAddress& a : own) {
    // What a circuit has for itself, or is pinned to it, leaves by that circuit whatever its class (rules 7300 to 7332).
    const bool of_a_circuit = std::ranges::any_of(site.circuits, [&](const model::Circuit& c) {
      return c.interface == a.interface || std::ranges::any_of(c.sources, [&](const model::Prefix& p) { return p.contains(a.address); });
    });
    if (of_a_circuit || !traffic.match.source->contains(a.address)) continue;
    as.source = a.address;
    return as;
  }
  return std::nullopt;
}

Verification::Verification(asio::any_io_executor executor, const model::Site& site, model::CircuitId circuit, probes::Unbound as, std::uint64_t seed,
                           std::function<void(bool)> done)
    : deadline_(executor), executor_(executor), done_(std::move(done)) {
  model::CircuitProbing pacing = site.probing;
  pacing.interval = kSpacing;
  prober_ = std::make_unique<probes::CircuitProber>(
      executor, circuit, "", probes::targets_of(site, circuit), pacing, seed,
      [this](const model::Observation& o) {
        if (std::holds_alternative<model::ProbeReply>(o) && ++proofs_ == kProofs) end(true);
      },
      std::move(as));
  deadline_.expires_after(kProofTime);
  deadline_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (!error && *alive) end(false);
  });
  prober_->start();
}

Verification::~Verification() {
  *alive_ = false;
  prober_->stop();
}

void Verification::end(bool proven) {
  // By a turn of the loop: `done` destroys this object, and we are inside one of its prober's calls.
  asio::post(executor_, [this, alive = alive_, proven] {
    if (!*alive) return;
    *alive = false;
    const auto done = std::move(done_);
    done(proven);
  });
}

}  // namespace linekeeper::daemon
