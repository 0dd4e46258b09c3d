#include "probes/checks/check_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "controller/runtime/clock.hpp"
#include "probes/checks/dns_query.hpp"
#include "probes/checks/echo_series.hpp"
#include "probes/checks/http_get.hpp"
#include "probes/checks/stun_query.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;
using model::CheckKind;
using model::CheckOutcome;
using model::CheckResult;

namespace {

/// From the wire to people: printable ASCII only, cut.
std::string clean(std::string_view text, std::size_t most = 80) {
  std::string out;
  for (const char c : text.substr(0, most)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return text.size() > most ? out + "..." : out;
}

/// What all runs share: an outcome that is filled, and told once.
class Run : public CheckRun {
 public:
  Run(asio::any_io_executor executor, model::Check check, CheckWay way, Done done)
      : executor_(std::move(executor)), check_(std::move(check)), way_(std::move(way)), done_(std::move(done)), begun_(runtime::boot_now()) {
    out_.circuit = way_.circuit;
    out_.kind = check_.kind;
    out_.check = check_.name;
    out_.at = begun_;
  }

 protected:
  void tell(CheckResult result, int code, std::string detail) {
    out_.result = result;
    out_.code = code;
    out_.detail = std::move(detail);
    tell();
  }
  void tell() {
    out_.detail = clean(out_.detail, model::kLongestCheckDetail - 3);
    // Posted: what was waited for is still on the stack, and whoever is told lets go of this.
    asio::post(executor_, [this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) std::exchange(done_, nullptr)(out_);
    });
  }
  [[nodiscard]] model::Duration left() const {
    return std::max<model::Duration>(check_.timeout - (runtime::boot_now() - begun_), std::chrono::milliseconds(1));
  }

  asio::any_io_executor executor_;
  model::Check check_;
  CheckWay way_;
  CheckOutcome out_;

 private:
  Done done_;
  model::Instant begun_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared weakly with a posted handler
};

/// One name asked of the circuit's resolvers, one after the other until one says something that counts.
class Lookup {
 public:
  struct Result {
    DnsAnswer answer;  ///< of the resolver that counts: the first with addresses or with NXDOMAIN; otherwise the one that said most
    std::optional<model::IpAddress> resolver;
    std::string silent;  ///< those before it that did not help, in words
  };
  using Done = std::function<void(Result)>;

  /// @param family  of the addresses that are asked for
  Lookup(asio::any_io_executor executor, const CheckWay& way, std::string name, model::Family family, model::Duration timeout, Done done)
      : executor_(std::move(executor)),
        way_(way),
        name_(std::move(name)),
        type_(family == model::Family::V4 ? kTypeA : kTypeAaaa),
        each_(timeout / static_cast<int>(std::max<std::size_t>(way.resolvers.size(), 1))),
        done_(std::move(done)) {
    ask();
  }

 private:
  void ask() {
    query_ = std::make_unique<DnsQuery>(
        executor_, way_.device, way_.resolvers[next_], way_.resolver_port, name_, each_, [this](const DnsAnswer& answer) { heard(answer); }, type_);
  }
  static int weight(const DnsAnswer& a) {
    switch (a.what) {
      case DnsAnswer::What::Answered: return 4;
      case DnsAnswer::What::Garbled: return 3;
      case DnsAnswer::What::Refused: return 2;
      case DnsAnswer::What::Silent: return 1;
      case DnsAnswer::What::LocalError: return 0;
    }
    return 0;
  }
  static std::string words(const DnsAnswer& a) {
    switch (a.what) {
      case DnsAnswer::What::Answered: return a.rcode == 0 ? "knows no address" : "answers " + rcode_words(a.rcode);
      case DnsAnswer::What::Garbled: return "answers what is no answer";
      case DnsAnswer::What::Refused: return "refuses";
      case DnsAnswer::What::Silent: return "is silent";
      case DnsAnswer::What::LocalError: return fmt::format("could not be asked: {}", std::strerror(a.error));
    }
    return {};
  }
  void heard(const DnsAnswer& answer) {
    const model::IpAddress resolver = way_.resolvers[next_];
    // A name that does not exist, or has no address, is an answer; a server that fails or refuses leaves it to the next, as any client would.
    const bool counts = answer.what == DnsAnswer::What::Answered && (answer.rcode == 0 || answer.rcode == 3);
    if (!best_.resolver || counts || weight(answer) > weight(best_.answer)) {
      best_.answer = answer;
      best_.resolver = resolver;
    }
    if (!counts || answer.addresses.empty())
      best_.silent += fmt::format("{}{} {}", best_.silent.empty() ? "" : ", ", resolver.to_string(), words(answer));
    if (counts || ++next_ == way_.resolvers.size()) return done_(std::move(best_));  // may destroy this
    ask();
  }

  asio::any_io_executor executor_;
  CheckWay way_;
  std::string name_;
  int type_;
  model::Duration each_;
  Done done_;
  Result best_;
  std::size_t next_ = 0;
  std::unique_ptr<DnsQuery> query_;
};

class ResolverRun : public Run {
 public:
  ResolverRun(asio::any_io_executor executor, const model::Check& check, const CheckWay& way, Done done)
      : Run(std::move(executor), check, way, std::move(done)) {
    if (way_.resolvers.empty())
      tell(CheckResult::LocalError, EINVAL, "the circuit has no resolvers of its own");
    else
      lookup_ =
          std::make_unique<Lookup>(executor_, way_, check_.query, model::Family::V4, check_.timeout, [this](const Lookup::Result& r) { heard(r); });
  }

 private:
  void heard(const Lookup::Result& r) {
    out_.address = r.resolver;
    const DnsAnswer& a = r.answer;
    switch (a.what) {
      case DnsAnswer::What::LocalError: return tell(CheckResult::LocalError, a.error, r.silent);
      case DnsAnswer::What::Silent: return tell(CheckResult::Silent, 0, r.silent);
      case DnsAnswer::What::Refused: return tell(CheckResult::Refused, a.error, r.silent);
      case DnsAnswer::What::Garbled: return tell(CheckResult::Wrong, 0, r.silent);
      case DnsAnswer::What::Answered: break;
    }
    out_.took = a.took;
    if (a.addresses.empty()) return tell(CheckResult::Wrong, a.rcode, fmt::format("asked for {}: {}", check_.query, r.silent));
    tell(CheckResult::Well, 0,
         fmt::format("{} answers {} with {} in {}{}{}", r.resolver->to_string(), check_.query, a.addresses.front().to_string(), milliseconds(a.took),
                     r.silent.empty() ? "" : "; ", r.silent));
  }
  std::unique_ptr<Lookup> lookup_;
};

/// Fetches the page of the check; what it means is for those that derive from it.
class PageRun : public Run {
 public:
  PageRun(asio::any_io_executor executor, const model::Check& check, const CheckWay& way, Done done)
      : Run(std::move(executor), check, way, std::move(done)) {}

  void begin() {
    page_ = parse_page(check_.url);
    if (!page_) return tell(CheckResult::LocalError, EINVAL, fmt::format("{} is no http or https URL", check_.url));
    auto address = check_.pinned;
    if (!address) address = model::IpAddress::parse(page_->host);
    if (address) return fetch(*address);
    if (way_.resolvers.empty())
      return tell(CheckResult::LocalError, EINVAL, fmt::format("the circuit has no resolvers of its own to look up {}", page_->host));
    lookup_ =
        std::make_unique<Lookup>(executor_, way_, page_->host, way_.family, check_.timeout / 2, [this](const Lookup::Result& r) { looked_up(r); });
  }

 protected:
  virtual void read(const HttpAnswer& answer) = 0;
  [[nodiscard]] const Page& page() const { return *page_; }

 private:
  void looked_up(const Lookup::Result& r) {
    const DnsAnswer& a = r.answer;
    if (!a.addresses.empty()) return fetch(a.addresses.front());
    const std::string words = fmt::format("{} cannot be looked up: {}", page_->host, r.silent);
    if (a.what == DnsAnswer::What::LocalError) return tell(CheckResult::LocalError, a.error, words);
    tell(CheckResult::Silent, 0, words);  // the page was not asked: what is wrong with the resolvers is told by a check of theirs
  }

  void fetch(const model::IpAddress& address) {
    get_ = std::make_unique<HttpGet>(executor_, way_.device, *page_, address, check_.ca_file, left(),
                                     [this](const HttpAnswer& answer) { fetched(answer); });
  }

  void fetched(const HttpAnswer& a) {
    if (a.certificate_ends) out_.certificate_left = *a.certificate_ends - runtime::wall_now();
    switch (a.what) {
      case HttpAnswer::What::LocalError: return tell(CheckResult::LocalError, a.error, a.words);
      case HttpAnswer::What::Silent: return tell(CheckResult::Silent, 0, fmt::format("{}: {}", page_->host, a.words));
      case HttpAnswer::What::Refused: return tell(CheckResult::Refused, a.error, fmt::format("{}: {}", page_->host, a.words));
      case HttpAnswer::What::Unproven:
        return tell(CheckResult::Wrong, 0, fmt::format("answers, but with a certificate that does not prove {}: {}", page_->host, a.words));
      case HttpAnswer::What::NotHttp: return tell(CheckResult::Wrong, 0, fmt::format("answers, but not as {} would: {}", page_->host, a.words));
      case HttpAnswer::What::Answered: break;
    }
    out_.took = a.took;
    read(a);
  }

  std::optional<Page> page_;
  std::unique_ptr<Lookup> lookup_;
  std::unique_ptr<HttpGet> get_;
};

class HttpRun : public PageRun {
  using PageRun::PageRun;
  void read(const HttpAnswer& a) override {
    std::string certificate;
    if (out_.certificate_left)
      certificate = fmt::format("; its certificate ends in {} days", std::chrono::floor<std::chrono::days>(*out_.certificate_left).count());
    const std::string to = a.location.empty() ? "" : " to " + clean(a.location);
    if (a.status != check_.status)
      return tell(CheckResult::Wrong, a.status, fmt::format("answers {}{} instead of {}{}", a.status, to, check_.status, certificate));
    if (!check_.body.empty() && a.body.find(check_.body) == std::string::npos)
      return tell(CheckResult::Wrong, a.status, fmt::format("answers {}, but with somebody else's page{}", a.status, certificate));
    tell(CheckResult::Well, a.status, fmt::format("answers {}{} in {}{}", a.status, to, milliseconds(a.took), certificate));
  }
};

/// Our address as it is seen from outside.
void read_public(const model::IpAddress& seen, const std::optional<model::Prefix>& expected, CheckOutcome& out) {
  out.address = seen;
  const bool well = !expected || expected->contains(seen);
  out.result = well ? CheckResult::Well : CheckResult::Wrong;
  out.detail = fmt::format("seen from outside as {}", seen.to_string());
  if (!well) out.detail += fmt::format(" instead of {}", expected->to_string());
}

class PublicByPage : public PageRun {
  using PageRun::PageRun;
  void read(const HttpAnswer& a) override {
    const auto from = a.body.find_first_not_of(" \t\r\n"), to = a.body.find_last_not_of(" \t\r\n");
    const auto seen = from == std::string::npos ? std::nullopt : model::IpAddress::parse(a.body.substr(from, to - from + 1));
    // Nobody told an address: which is nothing against ours.
    if (a.status != 200 || !seen)
      return tell(CheckResult::Silent, a.status, fmt::format("{} answers {} and tells no address", page().host, a.status));
    read_public(*seen, way_.expect_public, out_);
    tell();
  }
};

class PublicByStun : public Run {
 public:
  PublicByStun(asio::any_io_executor executor, const model::Check& check, const CheckWay& way, std::uint64_t seed, Done done)
      : Run(std::move(executor), check, way, std::move(done)) {
    if (!check_.server) {
      tell(CheckResult::LocalError, EINVAL, "no STUN server is given");
      return;
    }
    query_ = std::make_unique<StunQuery>(executor_, way_.device, runtime::Peer{.address = *check_.server, .port = check_.port}, check_.timeout, seed,
                                         [this](const StunQuery::Answer& a, model::Duration took) {
                                           out_.took = took;
                                           std::visit([this](const auto& what) { heard(what); }, a);
                                         });
  }

 private:
  void heard(const StunAddress& a) {
    read_public(a.address, way_.expect_public, out_);
    tell();
  }
  void heard(const StunError& e) { tell(CheckResult::Refused, e.code, fmt::format("the STUN server answers with error {}", e.code)); }
  void heard(const StunSilent&) {
    out_.took.reset();
    tell(CheckResult::Silent, 0, "the STUN server does not answer");
  }
  void heard(const StunRefused& e) { tell(CheckResult::Refused, e.error, fmt::format("the STUN server refuses: {}", std::strerror(e.error))); }
  void heard(const StunLocal& e) { tell(CheckResult::LocalError, e.error, fmt::format("we could not ask: {}", e.what)); }
  std::unique_ptr<StunQuery> query_;
};

/// Echoes, read by one of the functions of echo_findings.hpp.
class EchoRun : public Run {
 public:
  using Read = std::function<void(std::span<const EchoFate>, CheckOutcome&)>;
  EchoRun(asio::any_io_executor executor, const model::Check& check, const CheckWay& way, std::vector<EchoWanted> wanted, std::uint64_t seed,
          Read read, Done done)
      : Run(std::move(executor), check, way, std::move(done)), read_(std::move(read)) {
    if (!check_.target) {
      tell(CheckResult::LocalError, EINVAL, "no target is given");
      return;
    }
    series_ = std::make_unique<EchoSeries>(executor_, way_.device, *check_.target, std::move(wanted), check_.timeout, seed,
                                           [this](const model::Result<std::vector<EchoFate>>& fates) {
                                             if (!fates) return tell(CheckResult::LocalError, fates.error().code, fates.error().to_string());
                                             read_(*fates, out_);
                                             tell();
                                           });
  }

 private:
  Read read_;
  std::unique_ptr<EchoSeries> series_;
};

/// Small and large echoes within half of the time; where they show a hole, the other half goes into how much does pass.
class MtuRun : public Run {
 public:
  MtuRun(asio::any_io_executor executor, const model::Check& check, const CheckWay& way, std::uint64_t seed, Done done)
      : Run(std::move(executor), check, way, std::move(done)), search_(static_cast<int>(kSmallEcho), check.size), seed_(seed) {
    if (!check_.target) {
      tell(CheckResult::LocalError, EINVAL, "no target is given");
      return;
    }
    send(mtu_series(check_.size), check_.timeout / 2, [this](std::span<const EchoFate> fates) {
      read_mtu(fates, check_.size, out_);
      first_.assign(fates.begin(), fates.end());
      if (out_.result == CheckResult::Hole) return step();
      tell();
    });
  }

 private:
  using Heard = std::function<void(std::span<const EchoFate>)>;
  void send(std::vector<EchoWanted> wanted, model::Duration timeout, Heard heard) {
    series_ = std::make_unique<EchoSeries>(executor_, way_.device, *check_.target, std::move(wanted), timeout, seed_++,
                                           [this, heard = std::move(heard)](const model::Result<std::vector<EchoFate>>& fates) {
                                             if (!fates) return tell(CheckResult::LocalError, fates.error().code, fates.error().to_string());
                                             heard(*fates);
                                           });
  }
  void step() {
    const auto time = search_step(search_, first_, left());
    if (!time) {
      if (search_.steps_left() == 0) read_largest(search_.largest(), out_);
      return tell();
    }
    send(std::vector<EchoWanted>(kSearchTries, {.size = static_cast<std::size_t>(search_.next())}), *time, [this](std::span<const EchoFate> fates) {
      search_.heard(std::ranges::any_of(fates, [](const EchoFate& f) { return f.round_trip.has_value(); }));
      step();
    });
  }

  SizeSearch search_;
  std::uint64_t seed_;
  std::vector<EchoFate> first_;
  std::unique_ptr<EchoSeries> series_;
};

template <class OfPage>
std::unique_ptr<CheckRun> start_page(asio::any_io_executor executor, const model::Check& check, const CheckWay& way, CheckRun::Done done) {
  auto run = std::make_unique<OfPage>(std::move(executor), check, way, std::move(done));
  run->begin();
  return run;
}

}  // namespace

CheckWay way_of(const model::Site& site, model::CircuitId circuit) {
  const model::Circuit& c = site[circuit];
  return {.circuit = circuit, .device = c.interface, .resolvers = c.resolvers, .expect_public = c.expect_public, .family = c.family};
}

std::unique_ptr<CheckRun> start_check(asio::any_io_executor executor, const model::Check& check, const CheckWay& way, std::uint64_t seed,
                                      CheckRun::Done done) {
  switch (check.kind) {
    case CheckKind::Resolver: return std::make_unique<ResolverRun>(executor, check, way, std::move(done));
    case CheckKind::Http: return start_page<HttpRun>(executor, check, way, std::move(done));
    case CheckKind::Mtu: return std::make_unique<MtuRun>(executor, check, way, seed, std::move(done));
    case CheckKind::PublicAddress:
      if (check.url.empty()) return std::make_unique<PublicByStun>(executor, check, way, seed, std::move(done));
      return start_page<PublicByPage>(executor, check, way, std::move(done));
    case CheckKind::Hops: break;
  }
  return std::make_unique<EchoRun>(
      executor, check, way, hops_series(check.depth), seed,
      [target = check.target](std::span<const EchoFate> fates, CheckOutcome& out) { read_hops(fates, *target, out); }, std::move(done));
}

std::unique_ptr<CheckRun> start_echoes(asio::any_io_executor executor, const model::IpAddress& target, const CheckWay& way, model::Duration timeout,
                                       std::uint64_t seed, CheckRun::Done done) {
  model::Check check{.name = "echo", .kind = CheckKind::Hops};
  check.target = target;
  check.timeout = timeout;
  return std::make_unique<EchoRun>(executor, check, way, std::vector<EchoWanted>(5), seed, read_echoes, std::move(done));
}

}  // namespace linekeeper::probes
