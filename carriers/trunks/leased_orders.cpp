// Between refreshes a cheap look every 3 s finds a restarted PBX (its order is gone) or a hand's change. A loss is put
// right always; a change at most 3 times in 10 minutes, then only with each refresh and loudly: two that write against each
// other must not make the trunks flap (I11).
#include "carriers/trunks/leased_orders.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <deque>
#include <map>
#include <random>

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

/// Why no PBX at all is given such an order.
std::optional<Error> mistake_in(const Order& order) {
  const auto refuse = [](std::string why) { return Error{"the trunk order is refused: " + std::move(why), "The PBX keeps what it has", EINVAL}; };
  if (order.empty()) return refuse("it is empty, and a PBX without a way is never wanted");
  if (order.size() > kMostWays)
    return refuse("it has " + std::to_string(order.size()) + " ways, at most " + std::to_string(kMostWays) + " are possible");
  for (auto way = order.begin(); way != order.end(); ++way)
    if (std::find(order.begin(), way, *way) != way) return refuse("'" + *way + "' is in it twice");
  return std::nullopt;
}

/// The PBX has answered, whatever it said.
bool answered(const Error& error) { return error.code == EPROTO; }

}  // namespace

struct LeasedOrders::Impl : std::enable_shared_from_this<LeasedOrders::Impl> {
  /// What is wanted under one key, and how it stands.
  struct Wanted {
    std::string key;
    Order order;
    std::uint64_t version = 0;  // of `order`: an answer to a former one decides nothing
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
  struct Question {
    std::string key;
    OnRead on_read;
  };

  Impl(boost::asio::any_io_executor on, model::Pbx which, std::unique_ptr<Wire> by, OnReport tell, Pace how_often)
      : executor(on), pbx(std::move(which)), pace(how_often), on_report(std::move(tell)), random(seed()), wire(std::move(by)), timer(on) {}

  void apply(const std::string& key, const Order& order, OnApplied on_applied);
  void read(const std::string& key, OnRead on_read);
  void step();
  void stop();

  bool running = false;
  bool stopped = false;

 private:
  template <class Answer, class Then>
  auto heard(Then then);
  void note(const Error* error);
  void arm(Instant when);
  void write(Wanted& wanted);
  void read_back(Wanted& wanted);
  void look(Wanted& wanted);
  void look_for_life();
  void answer_read(Question question);
  void stands(Wanted& wanted);
  void failed(Wanted& wanted, const Error& error);
  void changed(Wanted& wanted, const Wire::Standing& standing);
  static void write_again(Wanted& wanted);
  void report(bool corrected);

  Duration jittered(Duration d) { return std::chrono::duration_cast<Duration>(d * (1 - kJitter + 2 * kJitter * random.unit())); }

  boost::asio::any_io_executor executor;
  const model::Pbx pbx;
  const Pace pace;
  const OnReport on_report;
  runtime::SeededRandom random;
  std::unique_ptr<Wire> wire;
  bool busy = false;  // a request is under way
  boost::asio::steady_timer timer;
  std::map<std::string, Wanted> orders;  // node-based: it stays where it is while a request for it is under way
  std::deque<Question> reads;
  Instant next_look_for_life{};
  bool connected = false;
  std::string link_problem;
  std::optional<PbxReport> told;
};

// ---- what is asked of us

void LeasedOrders::Impl::apply(const std::string& key, const Order& order, OnApplied on_applied) {
  auto wrong = mistake_in(order);
  if (!wrong) wrong = wire->refuses(order);
  if (!wrong && !is_key(key)) wrong = Error{"the trunk key '" + key + "' is refused", "Use letters, digits, '_', '-' and '.'", EINVAL};
  if (!wrong && orders.size() >= kMostKeys && !orders.contains(key))
    wrong = Error{"PBX " + pbx.name + " has more than " + std::to_string(kMostKeys) + " trunks", "", EINVAL};
  if (wrong) {
    boost::asio::post(executor, [self = shared_from_this(), error = *wrong, on_applied = std::move(on_applied)] {
      if (!self->stopped && on_applied) on_applied(std::unexpected(error));
    });
    return;
  }
  auto& wanted = orders[key];
  if (wanted.on_applied) {
    boost::asio::post(executor, [self = shared_from_this(), former = std::move(wanted.on_applied)] {
      if (!self->stopped) former(std::unexpected(Error{"a newer order has taken its place", "", ECANCELED}));
    });
  }
  wanted.key = key;
  if (wanted.order != order) wanted.stands = wanted.correcting = false;
  wanted.order = order;
  ++wanted.version;
  wanted.write = true;
  wanted.next = {};
  wanted.retry = pace.retry_first;
  wanted.on_applied = std::move(on_applied);
  step();
}

void LeasedOrders::Impl::read(const std::string& key, OnRead on_read) {
  if (!is_key(key) || reads.size() >= kMostReads) {
    boost::asio::post(executor, [self = shared_from_this(), on_read = std::move(on_read)] {
      if (!self->stopped) on_read(std::unexpected(Error{"the trunk order cannot be read: no such key, or too many wait", "Try again later", EAGAIN}));
    });
    return;
  }
  reads.push_back({key, std::move(on_read)});
  step();
}

void LeasedOrders::Impl::stop() {
  stopped = true;
  timer.cancel();
  wire->stop();
  // Orders and callbacks stay until the last handler is gone: this may be called from within one of them.
}

// ---- what to do next

// One request is under way at most. New orders first, then people's questions, then what is due by the clock.
void LeasedOrders::Impl::step() {
  if (!running || stopped || busy) return;
  const auto now = runtime::boot_now();
  Instant wake = model::kNever;
  for (auto& [key, wanted] : orders) {
    if (wanted.refresh <= now && wanted.stands) wanted.write = true;
    if (wanted.write && (wanted.next <= now || wanted.stands)) return write(wanted);
    wake = std::min({wake, wanted.next, wanted.stands ? wanted.refresh : model::kNever});
  }
  if (!reads.empty()) {
    auto request = std::move(reads.front());
    reads.pop_front();
    return answer_read(std::move(request));
  }
  for (auto& [key, wanted] : orders)
    if (wanted.next <= now) return look(wanted);
  if (orders.empty()) {
    if (next_look_for_life <= now) return look_for_life();
    wake = next_look_for_life;
  }
  arm(wake);
}

void LeasedOrders::Impl::arm(Instant when) {
  if (when == model::kNever) return;
  const auto wait = std::max(when - runtime::boot_now(), Duration(0));
  timer.expires_after(std::chrono::duration_cast<boost::asio::steady_timer::duration>(wait));
  timer.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled) self->step();
  });
}

/// What the PBX's answer says of the PBX itself.
void LeasedOrders::Impl::note(const Error* error) {
  connected = error == nullptr || answered(*error);
  link_problem = connected ? "" : error->to_string();
}

/// A handler of the wire's answers: what it says of the PBX is noted, then comes what the answer is for, then the next thing to be done.
template <class Answer, class Then>
auto LeasedOrders::Impl::heard(Then then) {
  busy = true;
  return [self = shared_from_this(), then = std::move(then)](Answer answer) {
    self->busy = false;
    if (self->stopped) return;
    self->note(answer ? nullptr : &answer.error());
    then(std::move(answer));
    if (!self->stopped) self->step();
  };
}

using Written = Result<void>;
using Stood = Result<std::optional<Wire::Standing>>;

// ---- writing an order

void LeasedOrders::Impl::write(Wanted& wanted) {
  wire->write(wanted.key, wanted.order, pbx.lease, heard<Written>([this, &wanted, version = wanted.version](const Written& written) {
                if (version != wanted.version) return;  // a newer one waits
                if (!written) return failed(wanted, written.error());
                read_back(wanted);
              }));
}

void LeasedOrders::Impl::read_back(Wanted& wanted) {
  wire->read(wanted.key, heard<Stood>([this, &wanted, version = wanted.version](const Stood& stood) {
               if (version != wanted.version) return;
               if (!stood) return failed(wanted, stood.error());
               const auto& standing = *stood;
               if (!standing || standing->order != wanted.order)
                 return failed(wanted,
                               {"the PBX said it took the order, but " + wire->where(wanted.key) + " holds " +
                                    (standing ? "'" + standing->shown + "'" : "nothing"),
                                "Something else writes there at the same moment, or its lease ends at once: " + wire->rival_remedy(), EPROTO});
               if (!standing->leased)
                 return failed(wanted, {"the order in " + wire->where(wanted.key) + " has no end", wire->endless_remedy(), EPROTO});
               stands(wanted);
             }));
}

void LeasedOrders::Impl::stands(Wanted& wanted) {
  const auto now = runtime::boot_now();
  const bool corrected = std::exchange(wanted.correcting, false);
  wanted.write = false;
  wanted.stands = true;
  wanted.problem.clear();
  wanted.retry = pace.retry_first;
  wanted.next = now + jittered(pace.look);
  wanted.refresh = now + jittered(pbx.refresh);
  report(corrected);
  if (const auto tell = std::exchange(wanted.on_applied, nullptr); tell && !stopped) tell({});
}

void LeasedOrders::Impl::failed(Wanted& wanted, const Error& error) {
  if (wanted.stands) wanted.write = false;  // it may still stand: looked at before it is written again
  wanted.stands = false;
  wanted.problem = error.to_string();
  wanted.next = runtime::boot_now() + jittered(wanted.retry);
  wanted.retry = std::min(wanted.retry * 2, pace.retry_last);
  report(false);
  if (const auto tell = std::exchange(wanted.on_applied, nullptr); tell && !stopped) tell(std::unexpected(error));
}

// ---- looking

void LeasedOrders::Impl::look(Wanted& wanted) {
  wire->read(wanted.key, heard<Stood>([this, &wanted, version = wanted.version](const Stood& stood) {
               if (version != wanted.version) return;
               if (!stood) return failed(wanted, stood.error());
               const auto& standing = *stood;
               if (!standing) {  // restarted, or our lease ran out while we were stopped
                 wanted.correcting = true;
                 return write_again(wanted);
               }
               if (standing->order == wanted.order && standing->leased) {
                 if (!wanted.stands) return write_again(wanted);  // it was only silent for a while: nothing to correct, but the lease to renew
                 wanted.next = runtime::boot_now() + jittered(pace.look);
                 return report(false);
               }
               changed(wanted, *standing);
             }));
}

void LeasedOrders::Impl::changed(Wanted& wanted, const Wire::Standing& standing) {
  const auto now = runtime::boot_now();
  auto& times = wanted.changed_by_others;
  while (!times.empty() && now - times.front() >= kCorrectionsWithin) times.pop_front();
  if (times.size() < kMostCorrections) {
    times.push_back(now);
    wanted.correcting = true;
    return write_again(wanted);
  }
  wanted.stands = false;
  wanted.problem = wire->where(wanted.key) + " was changed by someone else more than " + std::to_string(kMostCorrections) +
                   " times in 10 minutes (now '" + standing.shown + "'); it is written again only every " +
                   std::to_string(static_cast<int>(model::seconds(pbx.refresh))) + " s. Find who writes it: " + wire->rival_remedy();
  wanted.next = now + jittered(pace.look);
  if (wanted.refresh <= now) write_again(wanted);
  report(false);
}

// By the next step(), which follows every answer.
void LeasedOrders::Impl::write_again(Wanted& wanted) {
  wanted.stands = false;
  wanted.write = true;
  wanted.next = {};
}

// Before the first order: is it there, and can it keep one?
void LeasedOrders::Impl::look_for_life() {
  wire->read("order", heard<Stood>([this](const Stood& stood) {
               if (!stood && connected) link_problem = stood.error().to_string();
               next_look_for_life = runtime::boot_now() + jittered(pace.look);
               report(false);
             }));
}

void LeasedOrders::Impl::answer_read(Question question) {
  wire->read(question.key, heard<Stood>([this, key = question.key, on_read = std::move(question.on_read)](const Stood& stood) {
               if (!stood) return on_read(std::unexpected(stood.error()));
               if (!*stood) return on_read(std::optional<Order>());
               if ((*stood)->order.empty())
                 return on_read(std::unexpected(Error{wire->where(key) + " holds '" + (*stood)->shown + "', which is no order of ours", "", EPROTO}));
               on_read(std::optional((*stood)->order));
             }));
}

// ---- telling

void LeasedOrders::Impl::report(bool corrected) {
  PbxReport now{.connected = connected, .in_sync = connected && link_problem.empty(), .corrected = corrected, .detail = link_problem};
  for (const auto& [key, wanted] : orders) {
    now.in_sync = now.in_sync && wanted.stands;
    if (now.detail.empty()) now.detail = wanted.problem;
  }
  const bool same = told && told->connected == now.connected && told->in_sync == now.in_sync && told->detail == now.detail;
  if (same && !corrected) return;
  told = now;
  if (on_report && !stopped) on_report(now);
}

// ---- the door

LeasedOrders::LeasedOrders(boost::asio::any_io_executor executor, const model::Pbx& pbx, std::unique_ptr<Wire> wire, OnReport on_report, Pace pace)
    : impl_(std::make_shared<Impl>(std::move(executor), pbx, std::move(wire), std::move(on_report), pace)) {}

LeasedOrders::~LeasedOrders() { impl_->stop(); }

void LeasedOrders::start() {
  impl_->running = true;
  impl_->step();
}

void LeasedOrders::stop() { impl_->stop(); }

void LeasedOrders::apply(const std::string& key, const Order& order, std::size_t, OnApplied on_applied) {
  if (!impl_->stopped) impl_->apply(key, order, std::move(on_applied));
}

void LeasedOrders::read(const std::string& key, OnRead on_read) {
  if (!impl_->stopped) impl_->read(key, std::move(on_read));
}

}  // namespace linekeeper::trunks
