#include "controller/switch/switch_loop.hpp"

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "controller/runtime/clock.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::route {
namespace {

using runtime::Level;

constexpr model::Duration kDebounce = std::chrono::milliseconds(50);  // notifications come in bursts
constexpr model::Duration kRegularly = std::chrono::seconds(30);      // a notification can be lost

/// The interface a link or address message is about; 0 for any other message.
int interface_in(const NetlinkMessage& m) {
  if (m.type() == RTM_NEWLINK || m.type() == RTM_DELLINK) {
    const auto* info = m.fixed<ifinfomsg>();
    return info == nullptr ? 0 : info->ifi_index;
  }
  if (m.type() == RTM_NEWADDR || m.type() == RTM_DELADDR) {
    const auto* info = m.fixed<ifaddrmsg>();
    return info == nullptr ? 0 : static_cast<int>(info->ifa_index);
  }
  return 0;
}

constexpr std::size_t kHeldTold = 3;

struct LogWords {
  std::pair<Level, std::string> operator()(const StateReply& s) const {
    return {Level::Info, fmt::format("told what stands: generation {}, {} classes", s.generation, s.classes.size())};
  }
  std::pair<Level, std::string> operator()(const Applied& a) const {
    std::string words;
    for (const auto& c : a.changes) {
      words += (words.empty() ? "" : "; ") + c;
      if (words.size() > 600) {
        words += fmt::format("; {} changes in all", a.changes.size());
        break;
      }
    }
    std::string held;
    for (std::size_t i = 0; i < a.held.size() && i < kHeldTold; ++i)
      held += fmt::format("; held back by {}: {}. {}", a.held[i].guard, a.held[i].why, a.held[i].remedy);
    if (a.held.size() > kHeldTold) held += fmt::format("; {} held back in all", a.held.size());
    if (!held.empty())
      return {Level::Warning, fmt::format("plan {} applied in {} us: {}{}", a.generation, a.took_us, words.empty() ? "no change" : words, held)};
    if (words.empty()) return {Level::Debug, fmt::format("plan {} stands already", a.generation)};
    return {Level::Notice, fmt::format("plan {} applied in {} us: {}", a.generation, a.took_us, words)};
  }
  std::pair<Level, std::string> operator()(const Refused& r) const {
    return {Level::Warning, fmt::format("plan {} refused by {}: {}. {}", r.generation, r.guard, r.why, r.remedy)};
  }
  std::pair<Level, std::string> operator()(const Failed& f) const {
    return {Level::Error, fmt::format("plan {} failed: {}. {}", f.generation, f.why, f.remedy)};
  }
  std::pair<Level, std::string> operator()(const Drift& d) const {
    if (d.foreign || (d.gave_up && d.repaired)) return {d.repaired ? Level::Notice : Level::Error, "drift: " + d.what};
    return {d.gave_up ? Level::Error : Level::Warning, fmt::format("drift {}: {}", d.gave_up ? "given up" : "repaired", d.what)};
  }
  std::pair<Level, std::string> operator()(const Flows& f) const {
    std::string words;
    for (const Cut& c : f.cut)
      words += fmt::format("{}deleted {}{} connections on {} ({})", words.empty() ? "" : "; ", c.flows, c.strays ? " more" : "", c.circuit, c.why);
    for (const Draining& d : f.draining)
      words += fmt::format("{}{} connections of {} stay on {} for {} s at most", words.empty() ? "" : "; ", d.flows, d.traffic_class, d.circuit,
                           d.left.count());
    return {f.cut.empty() ? Level::Debug : Level::Notice, words};
  }
};

}  // namespace

SwitchLoop::SwitchLoop(RouteSwitch route_switch, SwitchSocket socket, Netlink kernel, std::optional<Netlink> nftables, Descriptor signals)
    : route_switch_(std::move(route_switch)),
      socket_(std::move(socket)),
      kernel_(std::move(kernel)),
      nftables_(std::move(nftables)),
      signals_(std::move(signals)),
      next_look_(runtime::boot_now() + kRegularly) {}

model::Result<SwitchLoop> SwitchLoop::open(RouteSwitch route_switch, SwitchSocket socket) {
  auto kernel = Netlink::open({RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,
                               RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP});
  if (!kernel) return std::unexpected(kernel.error());
  auto nftables = Netlink::open({NFNLGRP_NFTABLES}, NETLINK_NETFILTER);
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  Descriptor signals(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.open())
    return std::unexpected(model::Error{.what = std::string("cannot watch for signals: ") + std::strerror(errno), .remedy = {}, .code = errno});
  return SwitchLoop(std::move(route_switch), std::move(socket), std::move(*kernel), nftables ? std::optional(std::move(*nftables)) : std::nullopt,
                    std::move(signals));
}

int SwitchLoop::patience() const {
  const auto next = std::min(next_look_, route_switch_.next_tending().value_or(next_look_));
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - runtime::boot_now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, 60'000));
}

model::Result<int> SwitchLoop::run() {
  for (;;) {
    pollfd fds[] = {{signals_.get(), POLLIN, 0}, {kernel_.fd(), POLLIN, 0},       {socket_.listening(), POLLIN, 0},
                    {socket_.peer(), POLLIN, 0}, {socket_.newcomer(), POLLIN, 0}, {nftables_ ? nftables_->fd() : -1, POLLIN, 0}};
    if (::poll(fds, std::size(fds), patience()) < 0 && errno != EINTR)
      return std::unexpected(model::Error{.what = std::string("cannot wait for events: ") + std::strerror(errno), .remedy = {}, .code = errno});
    if (fds[0].revents != 0) {
      signalfd_siginfo info{};
      const bool told = ::read(signals_.get(), &info, sizeof info) == sizeof info;
      socket_.close();
      return told ? static_cast<int>(info.ssi_signo) : SIGTERM;
    }
    if (fds[1].revents != 0) hear_kernel();
    if (fds[5].revents != 0) hear_nftables();
    // The peer before a newcomer: what the old one had said is answered before it loses its place.
    if (fds[3].revents != 0)
      if (const auto message = socket_.receive()) answer(*message);
    if (fds[4].revents != 0) socket_.promote();
    if (fds[2].revents != 0) socket_.accept();
    if (runtime::boot_now() >= next_look_) look();
    tend();
  }
}

void SwitchLoop::answer(const std::string& message) {
  auto request = parse_request(message);
  Reply reply;
  if (!request) {
    reply = Refused{.generation = 0, .guard = "protocol", .why = request.error().what, .remedy = request.error().remedy, .classes = {}};
  } else if (const auto* plan = std::get_if<Apply>(&*request)) {
    hear_kernel();  // links that changed just now excuse what the kernel took with them
    reply = route_switch_.apply(*plan, runtime::boot_now());
  } else if (const auto* question = std::get_if<AskGateway>(&*request)) {
    if (route_switch_.ask_gateway(*question, runtime::boot_now()))
      runtime::log(Level::Debug, fmt::format("the gateway of {} is being asked whether it lives", question->circuit));
    return;
  } else {
    reply = route_switch_.hello();
    next_look_ = std::min(next_look_, runtime::boot_now() + kDebounce);  // what is wrong is told to whoever asks
  }
  log_reply(reply);
  socket_.send(reply);
}

void SwitchLoop::log_reply(const Reply& reply) {
  const auto [level, words] = std::visit(LogWords{}, reply);
  if (level <= Level::Warning && words == last_logged_) return;  // a daemon that repeats itself must not fill the log
  last_logged_ = words;
  runtime::log(level, words);
}

void SwitchLoop::hear_kernel() {
  const auto heard = kernel_.hear();
  if (heard.messages.empty() && !heard.lost) return;
  for (const auto& m : heard.messages)
    if (const int index = interface_in(m); index != 0 && excused_.size() < 4096) excused_.insert(index);
  next_look_ = std::min(next_look_, runtime::boot_now() + kDebounce);
}

void SwitchLoop::hear_nftables() {
  const auto heard = nftables_->hear();
  // Others change their tables all the time; only ours is of interest. The name of the table is attribute 1 of every such message.
  const auto ours = [](const NetlinkMessage& m) {
    return m.type() >> 8 == NFNL_SUBSYS_NFTABLES && attribute_text(m.attributes(sizeof(nfgenmsg))[NFTA_TABLE_NAME]) == kFlowTable;
  };
  if (heard.lost || std::ranges::any_of(heard.messages, ours)) next_look_ = std::min(next_look_, runtime::boot_now() + kDebounce);
}

/// After the answer to a plan, not before it: the daemon need not wait for connections to be counted and deleted.
void SwitchLoop::tend() {
  const auto news = route_switch_.tend(runtime::boot_now());
  if (!news) return;
  log_reply(*news);
  socket_.send(*news);
}

void SwitchLoop::look() {
  hear_kernel();
  for (const Drift& d : route_switch_.look(excused_, runtime::boot_now())) {
    log_reply(d);
    socket_.send(d);
  }
  excused_.clear();
  next_look_ = runtime::boot_now() + kRegularly;
}

}  // namespace linekeeper::route
