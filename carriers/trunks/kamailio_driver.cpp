// Level-triggered: for each key there is what is wanted, and a read-back that says whether it stands. An order is written in
// three requests:
//   htable.sets  [table, key, order]     in force at once; the entry gets the table's own autoexpire (120 s in our snippet)
//   htable.setex [table, key, lease]     shortened to our lease
//   htable.get   [table, key]            read back: the very text, and with an end
// Not htable.setxs, which does the first two in one: Kamailio 5.6.3 forgets the lease when the new text is longer than the
// old one (htable.get then says "expire": "NEVER"), and an order without an end would outlive us.
//
// Between refreshes a cheap look every 3 s finds a restarted Kamailio (its table is empty) or a hand's change. A loss is put
// right always; a change at most 3 times in 10 minutes, then only with each refresh and loudly: two that write against each
// other must not make the trunks flap (I11).
#include "carriers/trunks/kamailio_driver.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <deque>
#include <map>
#include <random>

#include "carriers/trunks/order_codec.hpp"
#include "carriers/trunks/rpc_client.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::trunks {
namespace {

using model::Duration;
using model::Error;
using model::Instant;
using model::Result;

constexpr double kJitter = 0.2;
constexpr std::size_t kMostCorrections = 3;
constexpr Duration kCorrectionsWithin = std::chrono::minutes(10);
constexpr std::size_t kMostReads = 16;
constexpr std::size_t kMostKeys = 256;

bool is_key(const std::string& key) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  return !key.empty() && key.size() <= 64 && std::ranges::all_of(key, plain);
}

std::uint64_t seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::string own_path(const std::string& directory, std::string name) {
  std::ranges::replace(name, '/', '_');
  return directory + "/pbx-" + name + ".sock";
}

}  // namespace

struct KamailioDriver::Impl : std::enable_shared_from_this<KamailioDriver::Impl> {
  /// What is wanted under one key, and how it stands.
  struct Order {
    std::string key;
    std::string wanted;
    std::uint64_t version = 0;  // of `wanted`: an answer to a former one decides nothing
    bool write = true;          // to be written, not before `next`
    bool stands = false;        // read back equal
    bool correcting = false;    // it stood before: putting it right is told as a correction
    Instant next{};             // write or look
    Instant refresh{};
    Duration retry{};
    std::deque<Instant> changed_by_others;
    std::string problem;
    OnApplied on_applied;
  };
  struct Read {
    std::string key;
    std::function<void(Result<std::optional<std::vector<int>>>)> on_read;
  };

  Impl(boost::asio::any_io_executor on, model::Pbx which, const std::string& directory, OnReport tell, Pace how_often)
      : executor(on),
        pbx(std::move(which)),
        pace(how_often),
        on_report(std::move(tell)),
        random(seed()),
        client(std::make_shared<RpcClient>(on, pbx.rpc_socket, own_path(directory, pbx.name), pbx.reply_timeout, random.next())),
        timer(on) {}

  void apply(const std::string& key, const std::vector<int>& sets, OnApplied on_applied);
  void read(const std::string& key, std::function<void(Result<std::optional<std::vector<int>>>)> on_read);
  void step();
  void stop();

  bool running = false;
  bool stopped = false;

 private:
  using OnReply = std::function<void(Result<Reply>)>;

  void call(std::string_view method, const std::vector<Parameter>& parameters, OnReply on_reply);
  void arm(Instant when);
  void write(Order& order);
  void give_lease(Order& order);
  void read_back(Order& order);
  void look(Order& order);
  void look_for_life();
  void answer_read(Read request);
  void stands(Order& order);
  void failed(Order& order, const Error& error);
  void changed(Order& order, const Item& item);
  static void write_again(Order& order);
  void report(bool corrected);

  Duration jittered(Duration d) { return std::chrono::duration_cast<Duration>(d * (1 - kJitter + 2 * kJitter * random.unit())); }
  Error refused(const RpcError& error) const;
  std::string where(const std::string& key) const { return "$sht(" + pbx.htable + "=>" + key + ") of PBX " + pbx.name; }

  boost::asio::any_io_executor executor;
  const model::Pbx pbx;
  const Pace pace;
  const OnReport on_report;
  runtime::SeededRandom random;
  std::shared_ptr<RpcClient> client;  // shared with its pending handlers
  boost::asio::steady_timer timer;
  std::map<std::string, Order> orders;  // node-based: an Order stays where it is while a request for it is under way
  std::deque<Read> reads;
  Instant next_look_for_life{};
  bool connected = false;
  std::string link_problem;
  std::optional<PbxReport> told;
};

// ---- what is asked of us

void KamailioDriver::Impl::apply(const std::string& key, const std::vector<int>& sets, OnApplied on_applied) {
  auto text = encode_order(sets);
  if (text && !is_key(key)) text = std::unexpected(Error{"the trunk key '" + key + "' is refused", "Use letters, digits, '_', '-' and '.'", EINVAL});
  if (text && orders.size() >= kMostKeys && !orders.contains(key))
    text = std::unexpected(Error{"PBX " + pbx.name + " has more than " + std::to_string(kMostKeys) + " trunks", "", EINVAL});
  if (!text) {
    boost::asio::post(executor, [self = shared_from_this(), error = text.error(), on_applied = std::move(on_applied)] {
      if (!self->stopped && on_applied) on_applied(std::unexpected(error));
    });
    return;
  }
  auto& order = orders[key];
  if (order.on_applied) {
    boost::asio::post(executor, [self = shared_from_this(), former = std::move(order.on_applied)] {
      if (!self->stopped) former(std::unexpected(Error{"a newer order has taken its place", "", ECANCELED}));
    });
  }
  order.key = key;
  if (order.wanted != *text) order.stands = order.correcting = false;
  order.wanted = std::move(*text);
  ++order.version;
  order.write = true;
  order.next = {};
  order.retry = pace.retry_first;
  order.on_applied = std::move(on_applied);
  step();
}

void KamailioDriver::Impl::read(const std::string& key, std::function<void(Result<std::optional<std::vector<int>>>)> on_read) {
  if (!is_key(key) || reads.size() >= kMostReads) {
    boost::asio::post(executor, [self = shared_from_this(), on_read = std::move(on_read)] {
      if (!self->stopped) on_read(std::unexpected(Error{"the trunk order cannot be read: no such key, or too many wait", "Try again later", EAGAIN}));
    });
    return;
  }
  reads.push_back({key, std::move(on_read)});
  step();
}

void KamailioDriver::Impl::stop() {
  stopped = true;
  timer.cancel();
  client->stop();
  // Orders and callbacks stay until the last handler is gone: this may be called from within one of them.
}

// ---- what to do next

// One request is under way at most. New orders first, then people's questions, then what is due by the clock.
void KamailioDriver::Impl::step() {
  if (!running || stopped || client->busy()) return;
  const auto now = runtime::boot_now();
  Instant wake = model::kNever;
  for (auto& [key, order] : orders) {
    if (order.refresh <= now && order.stands) order.write = true;
    if (order.write && (order.next <= now || order.stands)) return write(order);
    wake = std::min({wake, order.next, order.stands ? order.refresh : model::kNever});
  }
  if (!reads.empty()) {
    auto request = std::move(reads.front());
    reads.pop_front();
    return answer_read(std::move(request));
  }
  for (auto& [key, order] : orders)
    if (order.next <= now) return look(order);
  if (orders.empty()) {
    if (next_look_for_life <= now) return look_for_life();
    wake = next_look_for_life;
  }
  arm(wake);
}

void KamailioDriver::Impl::arm(Instant when) {
  if (when == model::kNever) return;
  const auto wait = std::max(when - runtime::boot_now(), Duration(0));
  timer.expires_after(std::chrono::duration_cast<boost::asio::steady_timer::duration>(wait));
  timer.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled) self->step();
  });
}

void KamailioDriver::Impl::call(std::string_view method, const std::vector<Parameter>& parameters, OnReply on_reply) {
  client->call(method, parameters, [self = shared_from_this(), on_reply = std::move(on_reply)](Result<Reply> reply) {
    if (self->stopped) return;
    self->connected = reply.has_value();
    self->link_problem = reply ? "" : reply.error().to_string();
    if (reply && reply->error && reply->error->message.find("doesn't exist") == std::string::npos)
      reply = std::unexpected(self->refused(*reply->error));
    on_reply(std::move(reply));
    if (!self->stopped) self->step();
  });
}

// Kamailio 5.6 answers 500 to everything: only the text tells why.
Error KamailioDriver::Impl::refused(const RpcError& error) const {
  std::string remedy = "See carriers/trunks/kamailio/linekeeper.cfg";
  if (error.message.contains("No such htable") || error.message.contains("Failed to set"))
    remedy = "Load the snippet linekeeper.cfg: modparam(\"htable\", \"htable\", \"" + pbx.htable + "=>size=4;autoexpire=120;updateexpire=1;\")";
  else if (error.message.contains("Method Not Found") || error.message.contains("not found"))
    remedy = "Load the snippet linekeeper.cfg: loadmodule \"htable.so\"";
  return {"Kamailio at " + pbx.rpc_socket + " refuses: " + error.message + " (" + std::to_string(error.code) + ")", std::move(remedy), EPROTO};
}

// ---- writing an order

void KamailioDriver::Impl::write(Order& order) {
  call("htable.sets", {pbx.htable, order.key, order.wanted}, [this, &order, version = order.version](Result<Reply> reply) {
    if (version != order.version) return;  // a newer one waits
    if (!reply || reply->error) return failed(order, reply ? refused(*reply->error) : reply.error());
    give_lease(order);
  });
}

void KamailioDriver::Impl::give_lease(Order& order) {
  const auto lease = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(pbx.lease).count());
  call("htable.setex", {pbx.htable, order.key, lease}, [this, &order, version = order.version](Result<Reply> reply) {
    if (version != order.version) return;
    if (!reply || reply->error) return failed(order, reply ? refused(*reply->error) : reply.error());
    read_back(order);
  });
}

void KamailioDriver::Impl::read_back(Order& order) {
  call("htable.get", {pbx.htable, order.key}, [this, &order, version = order.version](Result<Reply> reply) {
    if (version != order.version) return;
    if (!reply) return failed(order, reply.error());
    if (!reply->item || reply->item->name != order.key || reply->item->value != order.wanted)
      return failed(
          order, {"Kamailio said it took the order, but " + where(order.key) + " holds " + (reply->item ? "'" + reply->item->value + "'" : "nothing"),
                  "Something else writes there at the same moment, or its lease ends at once: look for $sht in kamailio.cfg", EPROTO});
    if (!reply->item->leased())
      return failed(order, {"the order in " + where(order.key) + " has no end",
                            "Give the htable autoexpire=120 and updateexpire=1, as the snippet linekeeper.cfg does", EPROTO});
    stands(order);
  });
}

void KamailioDriver::Impl::stands(Order& order) {
  const auto now = runtime::boot_now();
  const bool corrected = std::exchange(order.correcting, false);
  order.write = false;
  order.stands = true;
  order.problem.clear();
  order.retry = pace.retry_first;
  order.next = now + jittered(pace.look);
  order.refresh = now + jittered(pbx.refresh);
  report(corrected);
  if (const auto tell = std::exchange(order.on_applied, nullptr); tell && !stopped) tell({});
}

void KamailioDriver::Impl::failed(Order& order, const Error& error) {
  if (order.stands) order.write = false;  // it may still stand: looked at before it is written again
  order.stands = false;
  order.problem = error.to_string();
  order.next = runtime::boot_now() + jittered(order.retry);
  order.retry = std::min(order.retry * 2, pace.retry_last);
  report(false);
  if (const auto tell = std::exchange(order.on_applied, nullptr); tell && !stopped) tell(std::unexpected(error));
}

// ---- looking

void KamailioDriver::Impl::look(Order& order) {
  call("htable.get", {pbx.htable, order.key}, [this, &order, version = order.version](Result<Reply> reply) {
    if (version != order.version) return;
    if (!reply) return failed(order, reply.error());
    if (!reply->item) {  // restarted, or our lease ran out while we were stopped
      order.correcting = true;
      return write_again(order);
    }
    if (reply->item->value == order.wanted && reply->item->leased()) {
      if (!order.stands) return write_again(order);  // it was only silent for a while: nothing to correct, but the lease to renew
      order.next = runtime::boot_now() + jittered(pace.look);
      return report(false);
    }
    changed(order, *reply->item);
  });
}

void KamailioDriver::Impl::changed(Order& order, const Item& item) {
  const auto now = runtime::boot_now();
  auto& times = order.changed_by_others;
  while (!times.empty() && now - times.front() >= kCorrectionsWithin) times.pop_front();
  if (times.size() < kMostCorrections) {
    times.push_back(now);
    order.correcting = true;
    return write_again(order);
  }
  order.stands = false;
  order.problem = where(order.key) + " was changed by someone else more than " + std::to_string(kMostCorrections) + " times in 10 minutes (now '" +
                  item.value + "'); it is written again only every " + std::to_string(static_cast<int>(model::seconds(pbx.refresh))) +
                  " s. Find who writes it";
  order.next = now + jittered(pace.look);
  if (order.refresh <= now) write_again(order);
  report(false);
}

// By the next step(), which follows every answer.
void KamailioDriver::Impl::write_again(Order& order) {
  order.stands = false;
  order.write = true;
  order.next = {};
}

// Before the first order: is it there, and has it the table?
void KamailioDriver::Impl::look_for_life() {
  call("htable.get", {pbx.htable, std::string_view("order")}, [this](Result<Reply> reply) {
    if (!reply && connected) link_problem = reply.error().to_string();
    next_look_for_life = runtime::boot_now() + jittered(pace.look);
    report(false);
  });
}

void KamailioDriver::Impl::answer_read(Read request) {
  const auto key = request.key;
  call("htable.get", {pbx.htable, key}, [this, key, on_read = std::move(request.on_read)](Result<Reply> reply) {
    if (!reply) return on_read(std::unexpected(reply.error()));
    if (!reply->item) return on_read(std::optional<std::vector<int>>());
    auto sets = parse_order(reply->item->value);
    if (!sets) return on_read(std::unexpected(Error{where(key) + " holds '" + reply->item->value + "', which is no order of ours", "", EPROTO}));
    on_read(std::move(sets));
  });
}

// ---- telling

void KamailioDriver::Impl::report(bool corrected) {
  PbxReport now{.connected = connected, .in_sync = connected && link_problem.empty(), .corrected = corrected, .detail = link_problem};
  for (const auto& [key, order] : orders) {
    now.in_sync = now.in_sync && order.stands;
    if (now.detail.empty()) now.detail = order.problem;
  }
  const bool same = told && told->connected == now.connected && told->in_sync == now.in_sync && told->detail == now.detail;
  if (same && !corrected) return;
  told = now;
  if (on_report && !stopped) on_report(now);
}

// ---- the door

KamailioDriver::KamailioDriver(boost::asio::any_io_executor executor, const model::Pbx& pbx, std::string client_directory, OnReport on_report,
                               Pace pace)
    : impl_(std::make_shared<Impl>(std::move(executor), pbx, client_directory, std::move(on_report), pace)) {}

KamailioDriver::~KamailioDriver() { impl_->stop(); }

void KamailioDriver::start() {
  impl_->running = true;
  impl_->step();
}

void KamailioDriver::stop() { impl_->stop(); }

void KamailioDriver::apply(const std::string& key, const std::vector<int>& sets, OnApplied on_applied) {
  if (!impl_->stopped) impl_->apply(key, sets, std::move(on_applied));
}

void KamailioDriver::read(const std::string& key, std::function<void(Result<std::optional<std::vector<int>>>)> on_read) {
  if (!impl_->stopped) impl_->read(key, std::move(on_read));
}

}  // namespace linekeeper::trunks
