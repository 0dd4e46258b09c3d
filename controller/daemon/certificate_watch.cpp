#include "controller/daemon/certificate_watch.hpp"

#include <fmt/format.h>

#include <utility>

namespace linekeeper::daemon {

std::optional<CertificateWatch::Told> CertificateWatch::on(const model::SipOutcome& outcome, const std::string& carrier, model::WallTime now) {
  Known& known = carriers_[carrier];
  if (outcome.fault == model::SipFault::OurTlsFiles) {
    if (std::exchange(known.files_told, true)) return std::nullopt;
    return Told{.id = model::EventId::CarrierTlsFiles,
                .text = fmt::format("{} cannot be asked over TLS: the certificates or the key that the configuration names for it cannot be used. "
                                    "linekeeper config check says which.",
                                    carrier)};
  }
  if (outcome.result != model::SipResult::LocalError) known.files_told = false;
  if (!outcome.certificate_ends) return std::nullopt;
  const auto ends = *outcome.certificate_ends;
  if (ends - now >= kCertificateSoon) {
    known.ends.reset();
    return std::nullopt;
  }
  if (known.ends == ends && now - known.told < std::chrono::hours(24)) return std::nullopt;
  known.ends = ends;
  known.told = now;
  if (ends <= now) return Told{.text = fmt::format("A certificate that {} shows has ended: TLS with it fails.", carrier)};
  const auto days = std::chrono::floor<std::chrono::days>(ends - now).count();
  return Told{.text = fmt::format("A certificate that {} shows ends in {}: after that TLS with it fails.", carrier,
                                  days > 1    ? fmt::format("{} days", days)
                                  : days == 1 ? "one day"
                                              : "less than a day")};
}

}  // namespace linekeeper::daemon
