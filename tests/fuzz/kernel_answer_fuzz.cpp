// Any bytes as what the kernel answers: to dumps of routes, rules, nexthops and links, to route questions, about connections, nftables and
// neighbours, and as its notifications. The kernel is trusted, but a message may be short or of a newer kernel: whatever comes, nothing
// reads beyond it. libmnl's socket calls are replaced (ld(1) --wrap), so that everything behind them is the code that is shipped.
//
// Input: one byte that says who asks, then the reads: two bytes of length and so many bytes of messages each.
#include <libmnl/libmnl.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>

#include "controller/switch/conntrack.hpp"
#include "controller/switch/gateways.hpp"
#include "controller/switch/kernel.hpp"
#include "controller/switch/links.hpp"
#include "controller/switch/nft_table.hpp"

using namespace linekeeper;
using namespace linekeeper::route;

namespace {

std::span<const std::uint8_t> g_input;
std::uint32_t g_sequence = 0;  // of the last request: what is no answer to it would only be skipped
bool g_end_due = false;        // each answer is followed by the end of a dump

std::size_t next_read(char* to, std::size_t most) {
  std::size_t size = 0;
  if (g_input.size() > 2) {
    size = std::min({g_input[0] + (std::size_t{g_input[1]} << 8U), g_input.size() - 2, most});
    std::memcpy(to, g_input.data() + 2, size);
    g_input = g_input.subspan(2 + size);
  } else {
    g_input = {};
  }
  int left = static_cast<int>(size);
  for (auto* h = reinterpret_cast<nlmsghdr*>(to); mnl_nlmsg_ok(h, left) && h->nlmsg_len <= static_cast<std::uint32_t>(left);
       h = mnl_nlmsg_next(h, &left))
    h->nlmsg_seq = g_sequence;
  return size;
}

std::size_t end_of_dump(char* to) {
  nlmsghdr* h = mnl_nlmsg_put_header(to);
  h->nlmsg_type = NLMSG_DONE;
  h->nlmsg_flags = NLM_F_MULTI;
  h->nlmsg_seq = g_sequence;
  mnl_nlmsg_put_extra_header(h, sizeof(int));
  return h->nlmsg_len;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names
extern "C" {
mnl_socket* __wrap_mnl_socket_open2(int bus, int flags);
ssize_t __wrap_mnl_socket_sendto(const mnl_socket*, const void* bytes, std::size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const mnl_socket*, void* to, std::size_t most);
int __wrap_mnl_socket_bind(mnl_socket*, unsigned, pid_t);
int __wrap_mnl_socket_setsockopt(const mnl_socket*, int, void*, socklen_t);
mnl_socket* __real_mnl_socket_open2(int bus, int flags);

mnl_socket* __wrap_mnl_socket_open2(int /*bus*/, int flags) { return __real_mnl_socket_open2(0, flags); }
int __wrap_mnl_socket_bind(mnl_socket* /*s*/, unsigned /*groups*/, pid_t /*pid*/) { return 0; }
int __wrap_mnl_socket_setsockopt(const mnl_socket* /*s*/, int /*what*/, void* /*value*/, socklen_t /*size*/) { return 0; }

ssize_t __wrap_mnl_socket_sendto(const mnl_socket* /*s*/, const void* bytes, std::size_t size) {
  g_sequence = static_cast<const nlmsghdr*>(bytes)->nlmsg_seq;
  g_end_due = false;
  return static_cast<ssize_t>(size);
}

ssize_t __wrap_mnl_socket_recvfrom(const mnl_socket* /*s*/, void* to, std::size_t most) {
  if (g_end_due) return static_cast<ssize_t>(end_of_dump(static_cast<char*>(to)));
  g_end_due = true;
  return static_cast<ssize_t>(next_read(static_cast<char*>(to), most));
}
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace {

/// Notifications: what is waiting, and then no more.
void hear() {
  auto watch = GatewayWatch::open();
  if (watch) (void)watch->look({}, model::Instant{});
  auto asking = Netlink::open();
  if (asking) (void)have_asked(*asking, 2, model::IpAddress{});
}

void links() {
  model::Site site;
  site.circuits = {{.name = "fiber", .interface = "wan0"}, {.name = "coax", .interface = "wan1"}};
  if (auto watch = LinkWatch::open()) (void)watch->look(site);
}

void connections() {
  auto conntrack = Conntrack::open();
  if (!conntrack) return;
  const auto found = conntrack->find(model::Family::V4, 0, 0, 100);
  if (!found) return;
  for (const Connection& c : found->connections) (void)conntrack->remove(c);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  g_input = std::span(data, size).subspan(1);
  g_end_due = false;
  auto kernel = Kernel::open();
  if (!kernel) return 0;
  switch (data[0] % 7) {
    case 0: (void)kernel->read({7101, 7201}); break;
    case 1: (void)kernel->our_tables(); break;
    case 2: (void)kernel->ask({.destination = {}, .source = {}, .mark = {}}); break;
    case 3: connections(); break;
    case 4:
      if (auto table = NftTable::open()) (void)table->show(model::Family::V6);
      break;
    case 5: links(); break;
    default: hear(); break;
  }
  return 0;
}
