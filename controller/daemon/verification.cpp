#include "controller/daemon/verification.hpp"

#include <boost/asio/post.hpp>

namespace linekeeper::daemon {
namespace asio = boost::asio;

namespace {
constexpr std::chrono::milliseconds kSpacing{20};  // 50/s over three targets for at most 3 s: within what a public target stands
}

Verification::Verification(asio::any_io_executor executor, const model::Site& site, model::CircuitId circuit, std::uint64_t seed,
                           std::function<void(bool)> done)
    : deadline_(executor), executor_(executor), done_(std::move(done)) {
  model::CircuitProbing pacing = site.probing;
  pacing.interval = kSpacing;
  prober_ = std::make_unique<probes::CircuitProber>(executor, circuit, "", probes::targets_of(site, circuit), pacing, seed,
                                                    [this](const model::Observation& o) {
                                                      if (std::holds_alternative<model::ProbeReply>(o) && ++proofs_ == kProofs) end(true);
                                                    });
  deadline_.expires_after(kProofTime);
  deadline_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (!error && *alive) end(false);
  });
  prober_->start();
}

Verification::~Verification() {
  *alive_ = false;
  prober_->stop();
}

void Verification::end(bool proven) {
  // By a turn of the loop: `done` destroys this object, and we are inside one of its prober's calls.
  asio::post(executor_, [this, alive = alive_, proven] {
    if (!*alive) return;
    *alive = false;
    const auto done = std::move(done_);
    done(proven);
  });
}

}  // namespace linekeeper::daemon
