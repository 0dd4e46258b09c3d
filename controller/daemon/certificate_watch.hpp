#pragma once
// What a person must hear about certificates before they end, and about files of ours that cannot be used: pure, the wall clock is given.
// A certificate is the carrier's, by whichever circuit it was seen, so it is told once a day for each carrier, and again when it is another.
#include <map>
#include <optional>
#include <string>

#include "controller/model/event.hpp"
#include "controller/model/observation.hpp"

namespace linekeeper::daemon {

inline constexpr std::chrono::hours kCertificateSoon{14 * 24};

class CertificateWatch {
 public:
  struct Told {
    model::EventId id = model::EventId::CarrierCertificate;
    std::string text;
  };
  /// @param carrier its name @return what is to be told now
  std::optional<Told> on(const model::SipOutcome& outcome, const std::string& carrier, model::WallTime now);

 private:
  struct Known {
    std::optional<model::WallTime> ends;  // that was told last
    model::WallTime told{};
    bool files_told = false;
  };
  std::map<std::string, Known> carriers_;
};

}  // namespace linekeeper::daemon
