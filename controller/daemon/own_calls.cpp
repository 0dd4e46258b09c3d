#include "controller/daemon/own_calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "carriers/sip/digest.hpp"
#include "carriers/sip/secret_file.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::daemon {

using model::EventId;
using model::Instant;
using model::RegistrationState;
using model::TrialResult;

namespace {

constexpr std::chrono::seconds kSpread{30};  // the first scheduled calls, after a start

/// How the judge is told: what the carrier refused by its own doing is its failure, what we asked for wrongly is ours.
model::CallFate fate_of(const model::TrialOutcome& o) {
  using model::CallFate;
  switch (o.result) {
    case TrialResult::Carried: return CallFate::Answered;
    case TrialResult::Refused:
      if (o.code == 486 || o.code == 600 || o.code == 603) return CallFate::Busy;
      if (o.code == 480) return CallFate::NoAnswer;
      return o.code >= 500 || o.code == 408 ? CallFate::CarrierFailed : CallFate::OurFault;
    case TrialResult::Silent:
    case TrialResult::Unreachable: return CallFate::CarrierFailed;
    case TrialResult::Stuck: return o.code == 0 ? CallFate::Slow : CallFate::NoAnswer;
    case TrialResult::OurFault: return CallFate::OurFault;
  }
  return CallFate::OurFault;
}

/// Answers challenges with the carrier's credentials; nothing when it has none, or they cannot be read (told where OPTIONS are set up).
trial::Authorise authorise_by(const model::Carrier& carrier, runtime::SeededRandom random) {
  if (!carrier.auth) return {};
  auto password = sip::read_secret(carrier.auth->password_file);
  if (!password) return {};
  // Shared: a std::function is copied.
  auto session = std::make_shared<sip::DigestSession>(
      sip::Credentials{.user = carrier.auth->user, .password = std::move(*password), .realm = carrier.auth->realm}, random);
  return [session](std::string_view datagram, std::string_view method, std::string_view uri) { return session->answer(datagram, method, uri); };
}

}  // namespace

std::vector<bool> drained_circuits(const model::Status& status) {
  const model::Site& site = *status.site;
  std::vector<bool> drained(site.circuits.size(), false);
  for (const model::Override& o : status.overrides) {
    if (o.kind != model::OverrideKind::Force) continue;
    for (std::size_t t = 0; t < site.classes.size(); ++t) {
      const model::TrafficClass& traffic = site.classes[t];
      const bool calls = traffic.codec != model::Codec::None ||
                         std::ranges::any_of(site.trunks, [&](const model::Trunk& trunk) { return trunk.traffic_class.index() == t; });
      if (!calls || (o.subject != traffic.name && o.subject != "routing")) continue;
      for (const model::CircuitId c : traffic.circuits)
        if (site[c].name != o.to) drained[c.index()] = true;
    }
  }
  return drained;
}

OwnCalls::OwnCalls(boost::asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, Handlers handlers)
    : executor_(std::move(executor)),
      site_(std::move(site)),
      random_(seed),
      handlers_(std::move(handlers)),
      called_(site_->carriers.size(), Instant::min()),
      drained_(site_->circuits.size(), false),
      down_(site_->circuits.size(), false) {
  for (std::size_t k = 0; k < site_->carriers.size(); ++k)
    for (std::size_t c = 0; c < site_->circuits.size(); ++c) {
      const auto carrier = model::id_at<model::CarrierId>(k);
      const auto circuit = model::id_at<model::CircuitId>(c);
      if (!site_->reaches(circuit, carrier)) continue;
      if (site_->carriers[k].test_call) paths_.push_back({.carrier = carrier, .circuit = circuit, .last = {}});
      if (!site_->carriers[k].registration) continue;
      registrars_.push_back(std::make_unique<registration::RegistrarClient>(executor_, carrier, site_->carriers[k], circuit, site_->circuits[c],
                                                                            authorise_by(site_->carriers[k], runtime::SeededRandom(random_.next())),
                                                                            random_.next(),
                                                                            [this](const model::RegistrationStatus& s) { on_registration(s); }));
    }
  registered_.resize(registrars_.size(), false);
  if (site_->answering.port != 0)
    answering_ = std::make_unique<answering::AnsweringSockets>(executor_, site_, random_.next(),
                                                               [this](model::CircuitId c) { return static_cast<bool>(drained_[c.index()]); });
}

OwnCalls::~OwnCalls() { stop(); }

void OwnCalls::start() {
  *alive_ = true;
  const Instant now = runtime::boot_now();
  for (Path& p : paths_)
    if (const auto every = (*site_)[p.carrier].test_call->every; every > model::Duration::zero())
      p.next = now + kSpread + std::chrono::duration_cast<model::Duration>(every * random_.unit());
  // A restart must not be a burst: the whole floor is waited, and paths are spread behind it.
  for (const auto& r : registrars_) {
    const model::Duration floor = (*site_)[r->status().carrier].floor;
    r->start(floor + std::chrono::duration_cast<model::Duration>(floor * random_.unit()));
  }
  if (answering_) answering_->start();
}

void OwnCalls::stop() {
  *alive_ = false;
  running_.clear();
  for (const auto& r : registrars_) r->stop();
  if (answering_) answering_->stop();
}

void OwnCalls::on_link(const model::LinkState& link) {
  for (const auto& r : registrars_)
    if (r->status().circuit == link.circuit) r->on_link(link);
  if (answering_) answering_->rebuild(link.circuit);
}

std::string OwnCalls::name_of(model::CarrierId carrier, model::CircuitId circuit) const {
  return fmt::format("{} via {}", (*site_)[carrier].name, (*site_)[circuit].name);
}

OwnCalls::Path* OwnCalls::path(model::CarrierId carrier, model::CircuitId circuit) {
  const auto found = std::ranges::find_if(paths_, [&](const Path& p) { return p.carrier == carrier && p.circuit == circuit; });
  return found == paths_.end() ? nullptr : &*found;
}

std::optional<CallRefused> OwnCalls::call(model::CarrierId carrier, std::optional<model::CircuitId> circuit, Told told) {
  const model::Carrier& settings = (*site_)[carrier];
  if (!settings.test_call)
    return CallRefused{fmt::format("carrier {} has no test_call in the configuration, and without it no call is ever made", settings.name),
                       "Add [carrier.test_call] with a number that the carrier gave you for it, and reload"};
  if (model::may_be_emergency(settings.test_call->number, site_->emergency_numbers))  // the configuration was refused for it, too
    return CallRefused{fmt::format("{} may be a number of emergency calls", settings.test_call->number), "Take another one"};
  for (const Running& r : running_)
    if (paths_[r.path].carrier == carrier && r.told)
      return CallRefused{fmt::format("a test call by {} is under way", name_of(carrier, paths_[r.path].circuit)), "Wait for it to end"};
  if (const Instant free = called_[carrier.index()] == Instant::min() ? Instant::min() : called_[carrier.index()] + kBetweenCalls;
      free > runtime::boot_now())
    return CallRefused{fmt::format("the last test call by {} was begun less than {} s ago", settings.name, kBetweenCalls.count()),
                       fmt::format("Try again in {} s", std::chrono::ceil<std::chrono::seconds>(free - runtime::boot_now()).count())};
  const auto found = std::ranges::find_if(paths_, [&](const Path& p) { return p.carrier == carrier && (!circuit || p.circuit == *circuit); });
  if (found == paths_.end())
    return CallRefused{fmt::format("carrier {} is not reached by that circuit", settings.name),
                       "They are of different families: choose another circuit"};
  if (!place(found->carrier, found->circuit))
    return CallRefused{fmt::format("the resolvers of {} have named no address of {} yet", (*site_)[found->circuit].name, settings.host),
                       "See linekeeper paths, and the resolvers of that circuit"};
  begin(*found, std::move(told));
  return std::nullopt;
}

std::optional<model::Endpoint> OwnCalls::place(model::CarrierId carrier, model::CircuitId circuit) const {
  if (const auto known = places_.find({carrier, circuit}); known != places_.end()) return known->second;
  const model::Carrier& c = (*site_)[carrier];
  if (c.named()) return std::nullopt;
  return model::Endpoint{.address = c.address, .port = c.port, .transport = c.transport};
}

/// The one that is in use stays for as long as it takes calls: a registration is not to wander with each lookup.
void OwnCalls::follow_places(const model::Status& status) {
  for (const model::PathStatus& p : status.paths) {
    const auto good = [&](const model::EndpointStatus& e) {
      return e.listed && e.preferred && (e.verdict.health == model::Health::Up || e.verdict.health == model::Health::Degraded);
    };
    const auto listed = [](const model::EndpointStatus& e) { return e.listed; };
    const auto known = places_.find({p.carrier, p.circuit});
    const auto same = [&](const model::EndpointStatus& e) { return known != places_.end() && e.where.at == known->second; };
    if (std::ranges::any_of(p.endpoints, [&](const auto& e) { return same(e) && good(e); })) continue;
    auto best = std::ranges::find_if(p.endpoints, good);
    if (best == p.endpoints.end() && std::ranges::any_of(p.endpoints, same)) continue;
    if (best == p.endpoints.end()) best = std::ranges::find_if(p.endpoints, listed);
    if (best == p.endpoints.end()) continue;
    places_[{p.carrier, p.circuit}] = best->where.at;
    for (const auto& r : registrars_)
      if (r->status().carrier == p.carrier && r->status().circuit == p.circuit) r->goes_to(best->where.at);
  }
}

void OwnCalls::begin(Path& path, Told told) {
  called_[path.carrier.index()] = runtime::boot_now();
  running_.push_back({.path = static_cast<std::size_t>(&path - paths_.data()), .client = nullptr, .told = std::move(told)});
  model::Carrier settings = (*site_)[path.carrier];
  if (const auto at = place(path.carrier, path.circuit)) settings.address = at->address, settings.port = at->port, settings.transport = at->transport;
  running_.back().client = std::make_unique<trial::TrialClient>(executor_, path.carrier, settings, path.circuit, (*site_)[path.circuit].interface,
                                                                authorise_by((*site_)[path.carrier], runtime::SeededRandom(random_.next())),
                                                                random_.next(), [this, alive = alive_](const model::TrialOutcome& outcome) {
                                                                  if (*alive) ended(outcome);
                                                                });
  running_.back().client->start();
}

void OwnCalls::ended(const model::TrialOutcome& o) {
  Path* p = path(o.carrier, o.circuit);
  if (p == nullptr) return;
  p->last = o;
  const bool failed = o.result != TrialResult::Carried && o.result != TrialResult::OurFault;
  const std::string name = name_of(o.carrier, o.circuit);
  if (failed != p->failed)
    handlers_.tell(failed ? EventId::TrialFailed : EventId::TrialCarried, "path " + name, fmt::format("A test call by {} {}.", name, words(o)),
                   {{"result", std::string(to_string(o.result))}, {"code", std::to_string(o.code)}});
  p->failed = failed;
  Told told;
  for (Running& r : running_)
    if (&paths_[r.path] == p && r.told) told = std::exchange(r.told, nullptr);
  handlers_.observe(model::CallOutcome{.carrier = o.carrier,
                                       .circuit = o.circuit,
                                       .fate = fate_of(o),
                                       .code = o.result == TrialResult::Refused ? o.code : 0,
                                       .pdd = o.pdd,
                                       .trial = true,
                                       .sent = o.sent});
  if (told) told(o);
}

void OwnCalls::on_registration(const model::RegistrationStatus& s) {
  const auto which =
      std::ranges::find_if(registrars_, [&](const auto& r) { return r->status().carrier == s.carrier && r->status().circuit == s.circuit; });
  if (which == registrars_.end()) return;
  const auto i = static_cast<std::size_t>(which - registrars_.begin());
  const std::string name = name_of(s.carrier, s.circuit);
  if (s.state == RegistrationState::Registered && !registered_[i]) {
    registered_[i] = true;
    handlers_.tell(EventId::RegistrationMade, "path " + name, fmt::format("Registered at {} as {}.", name, s.contact), {{"contact", s.contact}});
  } else if (s.state == RegistrationState::Refused || s.state == RegistrationState::Unanswered) {
    const std::string why = s.credentials_refused                   ? fmt::format("our credentials are refused ({})", s.code)
                            : s.state == RegistrationState::Refused ? fmt::format("refused with {}", s.code)
                                                                    : std::string("unanswered");
    handlers_.tell(EventId::RegistrationLost, "path " + name,
                   fmt::format("Not registered at {}: {}. Calls by that carrier do not find us there.", name, why),
                   {{"code", std::to_string(s.code)}});
    registered_[i] = false;
  }
}

void OwnCalls::every_second(const model::Status& status, Instant now) {
  drained_ = drained_circuits(status);
  follow_places(status);
  for (std::size_t c = 0; c < down_.size(); ++c) {
    const bool was = down_[c];
    down_[c] = status.circuits.at(c).verdict.health == model::Health::Down;
    if (!was || down_[c]) continue;
    // Its back-off has grown while nothing could pass: without this a carrier would look for us by the mended circuit minutes later.
    for (const auto& r : registrars_)
      if (r->status().circuit.index() == c) r->on_passable();
  }
  std::erase_if(running_, [](const Running& r) { return !r.told && r.client->over(); });
  for (Path& p : paths_) {
    if (now < p.next) continue;
    const bool under_way = std::ranges::any_of(running_, [&](const Running& r) { return paths_[r.path].carrier == p.carrier; });
    const bool just_called = called_[p.carrier.index()] != Instant::min() && now < called_[p.carrier.index()] + kBetweenCalls;
    if (under_way || just_called) continue;  // a second later
    p.next = now + (*site_)[p.carrier].test_call->every;
    // Over a dead circuit nothing would be learned about the carrier.
    if (status.circuits.at(p.circuit.index()).verdict.health == model::Health::Down) continue;
    if (place(p.carrier, p.circuit)) begin(p, [](const model::TrialOutcome&) {});
    break;
  }
}

void OwnCalls::fill(model::Status& status) const {
  if (answering_) {
    status.answering_problem = answering_->problem();
    for (model::PathStatus& p : status.paths) p.asked_us = answering_->answers().last_asked(p.carrier, p.circuit);
  }
  for (const auto& r : registrars_) status.registrations.push_back(r->status());
  for (const Path& p : paths_)
    if (p.last) status.trials.push_back(*p.last);
}

}  // namespace linekeeper::daemon
