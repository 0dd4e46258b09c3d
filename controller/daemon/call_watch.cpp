#include "controller/daemon/call_watch.hpp"

#include <fmt/format.h>

namespace linekeeper::daemon {

namespace {
constexpr std::chrono::seconds kListenAgain{10};
constexpr std::chrono::minutes kDroppedShown{1};
}  // namespace

CallWatch::CallWatch(boost::asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, calls::HepListener::Sink sink, Tell tell)
    : executor_(executor), site_(std::move(site)), seed_(seed), sink_(std::move(sink)), tell_(std::move(tell)) {}

void CallWatch::listen() {
  auto listener = calls::HepListener::open(executor_, site_, seed_, sink_);
  const std::string before = std::exchange(problem_, listener ? std::string() : listener.error().to_string());
  if (listener) {
    listener_ = std::move(*listener);
    listener_->start();
  } else if (problem_ != before) {
    tell_("Calls are no witnesses for now: " + problem_ + ".");
  }
}

void CallWatch::weighed(const model::CallOutcome& o, const decision::Decider& judge) {
  if (listener_) listener_->book().slow_after(o.carrier, o.circuit, judge.slow_after(o.carrier, o.circuit));
}

void CallWatch::follow(const model::Plan& plan) {
  if (!listener_) return;
  for (const model::Trunk& trunk : site_->trunks)
    for (const model::TrunkMember& m : trunk.members)
      if (!m.circuit) listener_->book().goes_by(m.carrier, plan.classes.at(trunk.class_of(m).index()).circuit);
}

void CallWatch::every_second(const model::Status& status, model::Instant now) {
  if (!listener_) {
    if (now < again_) return;
    again_ = now + kListenAgain;
    return listen();
  }
  follow(status.plan);
  for (const model::PathStatus& p : status.paths)
    if ((*site_)[p.carrier].named()) {
      std::vector<model::Endpoint> addresses;
      for (const model::EndpointStatus& e : p.endpoints) addresses.push_back(e.where.at);
      listener_->book().is_at(p.carrier, addresses);
    }
  const std::uint64_t dropped = listener_->counts().dropped;
  if (dropped != dropped_) {
    if (now >= dropped_until_)
      tell_(
          fmt::format("The kernel dropped {} mirrored packets because they were not read in time: of calls under way then nothing is concluded. "
                      "A higher net.core.rmem_max helps against bursts.",
                      dropped - dropped_));
    dropped_ = dropped;
    dropped_until_ = now + kDroppedShown;
  }
  listener_->tell_loads(now);
}

void CallWatch::fill(model::Status& status) const {
  status.calls_problem = problem_;
  if (!listener_) return;
  const auto& counts = listener_->counts();
  status.calls_feed = {listener_->book().counts().messages, listener_->book().counts().unread + counts.malformed, counts.refused, counts.dropped};
  for (model::PathStatus& p : status.paths) {
    const int in_progress = listener_->book().in_progress(p.carrier, p.circuit);
    if (!p.calls && in_progress == 0) continue;
    if (!p.calls) p.calls.emplace();
    p.calls->in_progress = in_progress;
    p.calls->quality = listener_->quality(p.carrier, p.circuit);
  }
}

}  // namespace linekeeper::daemon
