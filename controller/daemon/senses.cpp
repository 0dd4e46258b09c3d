#include "controller/daemon/senses.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>

#include "carriers/locate/kept_places.hpp"
#include "carriers/sip/secret_file.hpp"
#include "controller/runtime/log.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::daemon {
namespace asio = boost::asio;
namespace {

std::uint64_t fresh_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) throw std::runtime_error("getrandom(2) gives no random bytes");
  return seed;
}

/// Nothing when it has none, or they cannot be read: then it is asked without, and a challenge is an answer like others.
std::optional<sip::Credentials> credentials_of(const model::Carrier& carrier) {
  if (!carrier.auth) return std::nullopt;
  auto password = sip::read_secret(carrier.auth->password_file);
  if (password) return sip::Credentials{.user = carrier.auth->user, .password = std::move(*password), .realm = carrier.auth->realm};
  runtime::log(runtime::Level::Error, "carrier " + carrier.name + " is asked without credentials: " + password.error().to_string());
  return std::nullopt;
}

constexpr std::chrono::milliseconds kRelook{5000};  // the kernel is looked at so often even without a word from it

}  // namespace

std::string Senses::path_name(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit) {
  return site[carrier].name + "/" + site[circuit].name;
}

model::Result<std::unique_ptr<Senses>> Senses::open(asio::any_io_executor executor, model::SitePtr site, const Kept& kept, Sink sink) {
  auto watch = route::LinkWatch::open();
  if (!watch) return std::unexpected(watch.error());
  auto neighbours = route::GatewayWatch::open();
  if (!neighbours) return std::unexpected(neighbours.error());
  std::unique_ptr<Senses> senses(new Senses(executor, std::move(site), std::move(*watch), std::move(*neighbours), std::move(sink)));
  senses->make_probers();
  senses->make_clients(kept);
  return senses;
}

Senses::Senses(asio::any_io_executor executor, model::SitePtr site, route::LinkWatch watch, route::GatewayWatch neighbours, Sink sink)
    : executor_(executor),
      site_(std::move(site)),
      watch_(std::move(watch)),
      neighbours_(std::move(neighbours)),
      sink_(std::move(sink)),
      kernel_(executor),
      kernel_neighbours_(executor),
      again_(executor),
      watchdog_(executor),
      links_(site_->circuits.size()),
      settling_(site_->circuits.size()),
      gateways_(site_->circuits.size()) {
  kernel_.assign(watch_.fd());
  kernel_neighbours_.assign(neighbours_.fd());
}

Senses::~Senses() {
  stop();
  if (kernel_.is_open()) kernel_.release();  // the descriptors belong to watch_ and neighbours_
  if (kernel_neighbours_.is_open()) kernel_neighbours_.release();
}

void Senses::make_probers() {
  for (std::size_t c = 0; c < site_->circuits.size(); ++c) {
    const auto circuit = model::id_at<model::CircuitId>(c);
    probers_.push_back(std::make_unique<probes::CircuitProber>(executor_, circuit, site_->circuits[c].interface, probes::targets_of(*site_, circuit),
                                                               site_->probing, fresh_seed(), [this](const model::Observation& o) { sink_(o); }));
  }
  watchdogs_.resize(probers_.size());
}

void Senses::make_clients(const Kept& kept) {
  const Floors& owed = kept.owed;
  runtime::SeededRandom random(fresh_seed());
  for (std::size_t k = 0; k < site_->carriers.size(); ++k) {
    const model::Carrier& settings = site_->carriers[k];
    const auto credentials = credentials_of(settings);
    const auto pace = settings.carrier_floor > model::Duration::zero() ? std::make_shared<sip::CarrierPace>(settings.carrier_floor) : nullptr;
    for (std::size_t c = 0; c < site_->circuits.size(); ++c) {
      const auto carrier = model::id_at<model::CarrierId>(k);
      const auto circuit = model::id_at<model::CircuitId>(c);
      if (!site_->reaches(circuit, carrier)) {
        clients_.push_back(nullptr);
        locators_.push_back(nullptr);
        continue;
      }
      // Spread over a part of the interval, so that a carrier does not hear all circuits at once.
      const auto first_after =
          std::chrono::duration_cast<model::Duration>(std::min<model::Duration>(settings.interval, std::chrono::seconds(2)) * random.unit());
      const auto debt = owed.find(path_name(*site_, carrier, circuit));
      clients_.push_back(std::make_unique<sip::EndpointClients>(executor_, carrier, settings, circuit, site_->circuits[c].interface, first_after,
                                                                debt == owed.end() ? sip::Debt{} : debt->second, &fresh_seed,
                                                                [this](const model::Observation& o) { sink_(o); }));
      locators_.push_back(make_locator(locators_.size(), kept.places));
      if (credentials) clients_.back()->authenticate(*credentials);
      if (!pace) continue;
      if (debt != owed.end()) pace->owed(debt->second, settings);
      clients_.back()->share(pace);
    }
  }
}

std::unique_ptr<Locator> Senses::make_locator(std::size_t path, const Places& places) {
  const auto carrier = model::id_at<model::CarrierId>(path / site_->circuits.size());
  const auto circuit = model::id_at<model::CircuitId>(path % site_->circuits.size());
  if (!(*site_)[carrier].named()) return nullptr;
  auto locator = std::make_unique<Locator>(executor_, *site_, carrier, circuit, fresh_seed(), [this, path](const model::CarrierLocated& located) {
    clients_[path]->follow(located.endpoints);
    sink_(located);
  });
  if (const auto known = places.find(place_name(*site_, carrier, circuit)); known != places.end())
    locator->recall(locate::allowed(known->second.endpoints, (*site_)[carrier], (*site_)[circuit].family), known->second.answered);
  return locator;
}

Senses::Floors Senses::floors() const {
  Floors floors;
  for (std::size_t i = 0; i < clients_.size(); ++i)
    if (clients_[i])
      floors[path_name(*site_, model::id_at<model::CarrierId>(i / site_->circuits.size()),
                       model::id_at<model::CircuitId>(i % site_->circuits.size()))] = clients_[i]->debt();
  return floors;
}

std::string Senses::place_name(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit) {
  return path_name(site, carrier, circuit) + " " + site[carrier].host;
}

Senses::Kept Senses::kept() const {
  Kept kept{.owed = floors(), .places = {}};
  for (const auto& l : locators_)
    if (l && !l->held().endpoints.empty()) kept.places[place_name(*site_, l->held().carrier, l->held().circuit)] = l->held();
  return kept;
}

void Senses::ask(model::CarrierId carrier, std::uint64_t circuits) {
  for (std::size_t c = 0; c < site_->circuits.size(); ++c)
    if (const auto& client = clients_.at(carrier.index() * site_->circuits.size() + c); client && (circuits >> c & 1) != 0) client->doubted();
}

const sip::Debt& Senses::debt(model::CarrierId carrier, model::CircuitId circuit) const {
  static const sip::Debt kNone;
  const auto& client = clients_.at(carrier.index() * site_->circuits.size() + circuit.index());
  return client ? client->debt() : kNone;
}

void Senses::start() {
  *alive_ = true;
  look();
  wait_kernel();
  wait_neighbours();
  for (const auto& p : probers_) p->start();
  for (const auto& c : clients_)
    if (c) c->start();
  for (const auto& l : locators_)
    if (l) l->start();
  watch_probers();
}

void Senses::stop() {
  *alive_ = false;
  again_.cancel();
  watchdog_.cancel();
  if (kernel_.is_open()) kernel_.cancel();
  if (kernel_neighbours_.is_open()) kernel_neighbours_.cancel();
  for (const auto& p : probers_) p->stop();
  for (const auto& c : clients_)
    if (c) c->stop();
  for (const auto& l : locators_)
    if (l) l->stop();
}

void Senses::wait_kernel() {
  kernel_.async_wait(asio::posix::stream_descriptor::wait_read, [this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) return;
    if (watch_.drain()) look();
    wait_kernel();
  });
}

void Senses::wait_neighbours() {
  kernel_neighbours_.async_wait(asio::posix::stream_descriptor::wait_read, [this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) return;
    if (neighbours_.drain()) look_at_gateways();
    wait_neighbours();
  });
}

void Senses::schedule_look(std::chrono::milliseconds after) {
  again_.expires_after(after);
  again_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (!error && *alive) look();
  });
}

/// By a timer of its own: what is looked for is a prober whose own timer, or socket, does nothing any more.
void Senses::watch_probers() {
  watchdog_.expires_after(probes::kWatchdogEvery);
  watchdog_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) return;
    for (std::size_t c = 0; c < probers_.size() && *alive; ++c) {
      probes::CircuitProber& prober = *probers_[c];
      const bool may = links_[c] && links_[c]->usable();
      const auto found = watchdogs_[c].look(prober.left(), prober.interval(), may, runtime::boot_now());
      if (found == probes::ProberWatchdog::Finding::Well) continue;
      prober.revive();
      if (found == probes::ProberWatchdog::Finding::Stuck)
        sink_(model::ProberStuck{.circuit = model::id_at<model::CircuitId>(c), .since = watchdogs_[c].since()});
    }
    if (*alive) watch_probers();
  });
}

void Senses::look() {
  auto seen = watch_.look(*site_);
  if (!seen) {
    runtime::log(runtime::Level::Error, "cannot read links and addresses from the kernel: " + seen.error().to_string());
    return schedule_look(std::chrono::milliseconds(200));
  }
  const model::Instant now = runtime::boot_now();
  model::Instant again = now + kRelook;
  for (const model::LinkState& link : *seen) {
    auto& known = links_[link.circuit.index()];
    const auto held = settling_[link.circuit.index()].hold(known, link, now);
    if (held) again = std::min(again, *held);
    if (held || known == link) continue;
    const bool moved = known && (known->ifindex != link.ifindex || known->address != link.address || known->usable() != link.usable());
    known = link;
    if (moved && link.usable()) {
      probers_[link.circuit.index()]->rebuild();
      for (std::size_t k = 0; k < site_->carriers.size(); ++k)
        if (const std::size_t path = k * site_->circuits.size() + link.circuit.index(); clients_[path]) {
          clients_[path]->rebuild();
          if (locators_[path]) locators_[path]->look_soon();
        }
    }
    sink_(link);
  }
  look_at_gateways();
  schedule_look(std::chrono::ceil<std::chrono::milliseconds>(again - now));
}

void Senses::look_at_gateways() {
  const auto seen = neighbours_.look(links_, runtime::boot_now());
  if (!seen) return runtime::log(runtime::Level::Error, "cannot read the gateways' neighbour entries: " + seen.error().to_string());
  for (const model::GatewayState& gateway : *seen) {
    auto& known = gateways_[gateway.circuit.index()];
    if (known == gateway) continue;
    known = gateway;
    sink_(gateway);
  }
}

}  // namespace linekeeper::daemon
