#include "controller/daemon/locator.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "controller/runtime/clock.hpp"

namespace linekeeper::daemon {
namespace asio = boost::asio;
using probes::DnsAnswer;

namespace {

constexpr std::chrono::seconds kAnswerWithin{2};  // of one resolver: then the next

/// Without a word in the configuration what NAPTR says; without NAPTR, UDP before the others.
std::vector<model::SipTransport> able(const model::Carrier& carrier) {
  if (carrier.transport_given) return {carrier.transport};
  return {std::begin(model::kEverySipTransport), std::end(model::kEverySipTransport)};
}

std::string words_of(const DnsAnswer& answer) {
  switch (answer.what) {
    case DnsAnswer::What::Answered: return probes::rcode_words(answer.rcode);
    case DnsAnswer::What::Silent: return "no answer in time";
    case DnsAnswer::What::Refused: return "refused";
    case DnsAnswer::What::Garbled: return "what came is no answer";
    case DnsAnswer::What::LocalError: return std::string("cannot be asked: ") + std::strerror(answer.error);
  }
  return {};
}

}  // namespace

Locator::Locator(asio::any_io_executor executor, const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, std::uint64_t seed,
                 Told told, std::uint16_t port)
    : executor_(executor),
      wanted_{.host = site[carrier].host,
              .port = site[carrier].host_port,
              .transport = site[carrier].transport_given ? std::optional(site[carrier].transport) : std::nullopt,
              .able = able(site[carrier]),
              .family = site[circuit].family,
              .pinned = site[carrier].pinned},
      device_(site[circuit].interface),
      resolvers_(site[circuit].resolvers.empty() ? site.resolvers.fallback : site[circuit].resolvers),
      port_(port),
      chance_(seed),
      told_(std::move(told)),
      directory_(carrier, circuit),
      timer_(executor) {
  if (!resolvers_.empty()) return;
  resolvers_ = probes::system_resolvers();
  device_.clear();  // they may be on this host, or anywhere
}

void Locator::recall(std::vector<model::LocatedEndpoint> endpoints, model::Instant answered) { directory_.recall(std::move(endpoints), answered); }

void Locator::start() {
  running_ = true;
  arm();
  if (!directory_.held().endpoints.empty()) told_(directory_.held());  // may end us
}

void Locator::stop() {
  running_ = false;
  timer_.cancel();
  location_.reset();
  asked_.clear();
}

void Locator::look_soon() {
  directory_.changed(runtime::boot_now());
  if (running_ && !location_) arm();
}

void Locator::arm() {
  timer_.expires_after(std::max(std::max(directory_.next(), runtime::boot_now()) - runtime::boot_now(), model::Duration::zero()));
  timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (!error && *alive && running_) begin();
  });
}

void Locator::begin() {
  asked_.clear();
  location_.emplace(wanted_);
  go_on();
}

void Locator::go_on() {
  for (auto open = location_->questions(); !open.empty(); open = location_->questions())
    for (locate::Question& question : open) {
      asked_.push_back({.question = std::move(question)});
      ask(asked_.back());
    }
  if (!location_->done()) return;
  const locate::Found found = location_->found(chance_);
  location_.reset();
  const bool news = directory_.on(found, runtime::boot_now());
  arm();
  if (news) told_(directory_.held());  // may end us
}

void Locator::ask(Asked& asked) {
  if (resolvers_.empty()) {
    asked.query.reset();
    locate::Answer none;
    none.why = "there is no resolver to ask";
    return location_->hear(asked.question, none);
  }
  const model::IpAddress& resolver = resolvers_[(first_ + asked.tried) % resolvers_.size()];
  asked.query = std::make_unique<probes::DnsQuery>(
      executor_, device_, resolver, port_, asked.question.name, kAnswerWithin, [this, &asked](const DnsAnswer& answer) { heard(asked, answer); },
      locate::dns_type(asked.question.kind));
}

void Locator::heard(Asked& asked, const DnsAnswer& answer) {
  if (!location_) return;
  const bool said = answer.what == DnsAnswer::What::Answered && (answer.rcode == 0 || answer.rcode == 3);
  auto read = said ? locate::read_answer(asked.question.kind, answer.bytes) : locate::Answer{};
  if (!said) read.why = words_of(answer);
  if (read.what == locate::Answer::What::Failed && ++asked.tried < resolvers_.size()) return ask(asked);
  if (said && asked.tried > 0) first_ = (first_ + asked.tried) % resolvers_.size();
  location_->hear(asked.question, read);
  go_on();
}

}  // namespace linekeeper::daemon
