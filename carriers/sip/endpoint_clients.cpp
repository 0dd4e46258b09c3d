#include "carriers/sip/endpoint_clients.hpp"

#include <algorithm>
#include <utility>

namespace linekeeper::sip {

EndpointClients::EndpointClients(boost::asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings,
                                 model::CircuitId circuit, std::string device, model::Duration first_after, const Debt& debt, Seeds seeds, Sink sink)
    : executor_(std::move(executor)),
      carrier_(carrier),
      settings_(settings),
      circuit_(circuit),
      device_(std::move(device)),
      first_after_(first_after),
      debt_(std::make_shared<Debt>(debt)),
      seeds_(std::move(seeds)),
      sink_(std::move(sink)) {
  if (!settings_.several()) {
    const model::Endpoint only{.address = settings_.address, .port = settings_.port, .transport = settings_.transport};
    clients_.push_back(
        {.at = only,
         .client = std::make_unique<OptionsClient>(executor_, carrier_, settings_, circuit_, device_, first_after_, debt, seeds_(), sink_)});
    return;
  }
  for (const model::Endpoint& at : settings_.addresses) add(at);
  take_turns();
}

EndpointClients::~EndpointClients() { stop(); }

void EndpointClients::add(const model::Endpoint& at) {
  model::Carrier settings = settings_;
  settings.address = at.address;
  settings.port = at.port;
  settings.transport = at.transport;
  auto client = std::make_unique<OptionsClient>(executor_, carrier_, settings, circuit_, device_, first_after_, *debt_, seeds_(),
                                                [this, at](const model::Observation& told) { hear(at, told); });
  equip(*client);
  clients_.push_back({.at = at, .client = std::move(client)});
}

void EndpointClients::equip(OptionsClient& client) {
  if (credentials_) client.authenticate(DigestSession(*credentials_, runtime::SeededRandom(seeds_())));
  if (pace_) client.share(pace_);
}

void EndpointClients::authenticate(Credentials credentials) {
  credentials_ = std::move(credentials);
  for (const One& one : clients_) one.client->authenticate(DigestSession(*credentials_, runtime::SeededRandom(seeds_())));
}

void EndpointClients::share(std::shared_ptr<CarrierPace> pace) {
  pace_ = std::move(pace);
  for (const One& one : clients_) one.client->share(pace_);
}

void EndpointClients::take_turns() {
  for (const One& one : clients_) one.client->take_turns(debt_, static_cast<int>(clients_.size()));
}

void EndpointClients::start() {
  running_ = true;
  for (const One& one : clients_) one.client->start();
}

void EndpointClients::stop() {
  running_ = false;
  for (const One& one : clients_) one.client->stop();
}

void EndpointClients::rebuild() {
  for (const One& one : clients_) one.client->rebuild();
}

/// One answer is enough to know that the carrier is there: the most preferred that is not silent is asked.
void EndpointClients::doubted() {
  const auto one = std::ranges::find(clients_, false, &One::silent);
  if (one != clients_.end()) one->client->doubted();
}

void EndpointClients::follow(std::span<const model::LocatedEndpoint> endpoints) {
  std::erase_if(clients_, [&](const One& one) { return std::ranges::find(endpoints, one.at, &model::LocatedEndpoint::at) == endpoints.end(); });
  const std::size_t stay = clients_.size();
  for (const model::LocatedEndpoint& e : endpoints)
    if (std::ranges::find(clients_, e.at, &One::at) == clients_.end()) add(e.at);
  take_turns();
  for (std::size_t i = stay; i < clients_.size() && running_; ++i) clients_[i].client->start();
}

const Debt& EndpointClients::debt() const { return settings_.several() ? *debt_ : clients_.front().client->debt(); }

void EndpointClients::hear(const model::Endpoint& from, model::Observation told) {
  const auto one = std::ranges::find(clients_, from, &One::at);
  if (one == clients_.end()) return;
  if (auto* outcome = std::get_if<model::SipOutcome>(&told)) {
    outcome->endpoint = from;
    if (outcome->result == model::SipResult::Final)
      one->silent = false;
    else if (outcome->result != model::SipResult::LocalError && !std::exchange(one->silent, true))
      ask_fellows(from);
  } else if (auto* provisional = std::get_if<model::SipProvisional>(&told)) {
    provisional->endpoint = from;
    one->silent = false;
  } else if (auto* overdue = std::get_if<model::SipOverdue>(&told)) {
    overdue->endpoint = from;
    if (!std::exchange(one->silent, true)) ask_fellows(from);
  }
  sink_(told);  // may end us
}

/// As many as there are tokens for, but one, which the silent one itself may need.
void EndpointClients::ask_fellows(const model::Endpoint& of) {
  int left = std::max(1, settings_.verify_burst - 1);
  for (const One& one : clients_) {
    if (one.at == of || one.silent) continue;
    if (left-- == 0) return;
    one.client->doubted();
  }
}

}  // namespace linekeeper::sip
