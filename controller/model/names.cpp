// The words of the model's enumerations, in one place.
#include <array>

#include "controller/model/check.hpp"
#include "controller/model/diagnosis.hpp"
#include "controller/model/event.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/status.hpp"
#include "controller/model/verdict.hpp"

namespace linekeeper::model {

std::string_view to_string(Cause c) {
  switch (c) {
    case Cause::NoEvidence: return "no-evidence";
    case Cause::Stale: return "stale";
    case Cause::LocalErrors: return "local-errors";
    case Cause::Answering: return "answering";
    case Cause::Recovering: return "recovering";
    case Cause::LinkDown: return "link-down";
    case Cause::NoAddress: return "no-address";
    case Cause::NoGateway: return "no-gateway";
    case Cause::Silent: return "silent";
    case Cause::Lossy: return "lossy";
    case Cause::Bursty: return "bursty";
    case Cause::Delayed: return "delayed";
    case Cause::CircuitDown: return "circuit-down";
    case Cause::SipTimeout: return "sip-timeout";
    case Cause::SipRefused: return "sip-refused";
    case Cause::SipRejected: return "sip-rejected";
    case Cause::SipUnauthorised: return "sip-unauthorised";
    case Cause::BackupAddresses: return "backup-addresses";
  }
  return "?";
}

std::string_view to_string(SipFault f) {
  switch (f) {
    case SipFault::None: return "none";
    case SipFault::FlowDead: return "flow-dead";
    case SipFault::PeerDead: return "peer-dead";
    case SipFault::CertificateExpired: return "certificate-expired";
    case SipFault::CertificateTooNew: return "certificate-too-new";
    case SipFault::CertificateName: return "certificate-name";
    case SipFault::CertificateIssuer: return "certificate-issuer";
    case SipFault::CertificateOther: return "certificate-other";
    case SipFault::OurCertificate: return "our-certificate";
    case SipFault::TlsFailed: return "tls-failed";
    case SipFault::OurTlsFiles: return "our-tls-files";
  }
  return "?";
}

std::string_view words(SipFault f) {
  switch (f) {
    case SipFault::None: return "";
    case SipFault::FlowDead: return "the connection is dead";
    case SipFault::PeerDead: return "a fresh connection is not answered either";
    case SipFault::CertificateExpired: return "its certificate has expired";
    case SipFault::CertificateTooNew: return "its certificate is not valid yet, or our clock is wrong";
    case SipFault::CertificateName: return "its certificate is of another name";
    case SipFault::CertificateIssuer: return "its certificate is of an issuer we do not trust";
    case SipFault::CertificateOther: return "its certificate proves nothing";
    case SipFault::OurCertificate: return "it does not take our certificate";
    case SipFault::TlsFailed: return "TLS could not be agreed on";
    case SipFault::OurTlsFiles: return "our TLS files cannot be used";
  }
  return "";
}

std::string_view to_string(Lookup l) {
  switch (l) {
    case Lookup::Found: return "found";
    case Lookup::Unanswered: return "unanswered";
    case Lookup::NoSuchName: return "no-such-name";
  }
  return "?";
}

std::string Endpoint::to_string() const {
  return (address.family == Family::V6 ? "[" + address.to_string() + "]" : address.to_string()) + ":" + std::to_string(port);
}

std::string_view to_string(Motive m) {
  switch (m) {
    case Motive::NotYet: return "not-yet";
    case Motive::Adopted: return "adopted";
    case Motive::FirstChoice: return "first-choice";
    case Motive::Escape: return "escape";
    case Motive::Failback: return "failback";
    case Motive::Quality: return "quality";
    case Motive::Suspicion: return "suspicion";
    case Motive::Capacity: return "capacity";
    case Motive::Follows: return "follows";
    case Motive::Held: return "held";
    case Motive::Forced: return "forced";
    case Motive::Unproven: return "unproven";
  }
  return "?";
}

std::string_view to_string(Guard g) {
  switch (g) {
    case Guard::None: return "none";
    case Guard::LastPath: return "last_path";
    case Guard::AllBad: return "all_bad";
    case Guard::HoldDown: return "hold_down";
    case Guard::Corroboration: return "corroboration";
    case Guard::Freshness: return "freshness";
    case Guard::Adoption: return "adoption";
    case Guard::OperatorHold: return "operator_hold";
    case Guard::TargetHealthy: return "target_healthy";
    case Guard::RateLimit: return "rate_limit";
    case Guard::MoveBudget: return "move_budget";
    case Guard::QualityGain: return "quality_gain";
    case Guard::FailbackMode: return "failback_mode";
    case Guard::SelfDoubt: return "self_doubt";
    case Guard::Emergency: return "emergency";
    case Guard::Unproven: return "unproven";
  }
  return "?";
}

std::optional<Guard> guard_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Guard::Unproven); ++i)
    if (const auto g = static_cast<Guard>(i); to_string(g) == name) return g;
  return std::nullopt;
}

std::string_view to_string(Failed f) {
  switch (f) {
    case Failed::Ourselves: return "ourselves";
    case Failed::Site: return "site";
    case Failed::SharedUpstream: return "shared-upstream";
    case Failed::Link: return "link";
    case Failed::Address: return "address";
    case Failed::Gateway: return "gateway";
    case Failed::Circuit: return "circuit";
    case Failed::CircuitOutbound: return "circuit-outbound";
    case Failed::CircuitInbound: return "circuit-inbound";
    case Failed::Brownout: return "brownout";
    case Failed::Target: return "target";
    case Failed::TargetPath: return "target-path";
    case Failed::Carrier: return "carrier";
    case Failed::Endpoint: return "endpoint";
    case Failed::Peering: return "peering";
    case Failed::Resolver: return "resolver";
    case Failed::CaptivePortal: return "captive-portal";
    case Failed::MtuHole: return "mtu-hole";
    case Failed::PublicAddress: return "public-address";
    case Failed::Unknown: return "unknown";
  }
  return "?";
}

std::string_view to_string(CheckKind k) {
  switch (k) {
    case CheckKind::Resolver: return "resolver";
    case CheckKind::Http: return "http";
    case CheckKind::Mtu: return "mtu";
    case CheckKind::PublicAddress: return "public-address";
    case CheckKind::Hops: return "hops";
  }
  return "?";
}

std::optional<CheckKind> check_kind_named(std::string_view word) {
  for (const CheckKind k : kEveryCheckKind)
    if (to_string(k) == word) return k;
  return std::nullopt;
}

std::string_view to_string(CallFate f) {
  switch (f) {
    case CallFate::Answered: return "answered";
    case CallFate::Busy: return "busy";
    case CallFate::NoAnswer: return "no-answer";
    case CallFate::CarrierFailed: return "carrier-failed";
    case CallFate::Slow: return "slow";
    case CallFate::OurFault: return "our-fault";
    case CallFate::Cancelled: return "cancelled";
  }
  return "?";
}

std::string_view to_string(CallsStanding s) {
  switch (s) {
    case CallsStanding::Unknown: return "unknown";
    case CallsStanding::Well: return "well";
    case CallsStanding::Failing: return "failing";
    case CallsStanding::Trial: return "trial";
  }
  return "?";
}

std::string_view to_string(CheckResult r) {
  switch (r) {
    case CheckResult::Well: return "well";
    case CheckResult::Wrong: return "wrong";
    case CheckResult::TooBig: return "too-big";
    case CheckResult::Hole: return "hole";
    case CheckResult::Silent: return "silent";
    case CheckResult::Refused: return "refused";
    case CheckResult::LocalError: return "local-error";
  }
  return "?";
}

std::string_view to_string(Layer l) {
  switch (l) {
    case Layer::Unknown: return "unknown";
    case Layer::Yes: return "yes";
    case Layer::No: return "no";
  }
  return "?";
}

std::string_view to_string(SetAside s) {
  switch (s) {
    case SetAside::No: return "no";
    case SetAside::Dead: return "dead";
    case SetAside::Lossy: return "lossy";
    case SetAside::Lying: return "lying";
  }
  return "?";
}

std::string_view to_string(ProbeMethod m) {
  switch (m) {
    case ProbeMethod::Icmp: return "icmp";
    case ProbeMethod::Stamp: return "stamp";
    case ProbeMethod::Tcp: return "tcp";
    case ProbeMethod::Dns: return "dns";
  }
  return "?";
}

std::string_view to_string(ProbeKind k) {
  switch (k) {
    case ProbeKind::Scheduled: return "scheduled";
    case ProbeKind::Closer: return "closer";
    case ProbeKind::Verify: return "verify";
  }
  return "?";
}

std::string_view to_string(Neighbour n) {
  switch (n) {
    case Neighbour::Unknown: return "unknown";
    case Neighbour::Answers: return "answers";
    case Neighbour::Doubtful: return "doubtful";
    case Neighbour::Silent: return "silent";
  }
  return "?";
}

std::string_view to_string(FailureMode m) {
  switch (m) {
    case FailureMode::None: return "none";
    case FailureMode::InternetCircuit: return "internet-circuit";
    case FailureMode::SipTrunk: return "sip-trunk";
    case FailureMode::Server: return "server";
    case FailureMode::Application: return "application";
    case FailureMode::Integration: return "integration";
    case FailureMode::SiteLoss: return "site-loss";
  }
  return "?";
}

std::string_view to_string(Severity s) {
  switch (s) {
    case Severity::Info: return "info";
    case Severity::Notice: return "notice";
    case Severity::Warning: return "warning";
    case Severity::Alert: return "alert";
  }
  return "?";
}

namespace {

struct EventName {
  std::string_view name;
  Severity severity;
};

// In the order of EventId; the array's length is checked against kEventCount.
constexpr std::array<EventName, kEventCount> kEvents = {{
    {"daemon.started", Severity::Notice},
    {"daemon.stopped", Severity::Notice},
    {"config.reloaded", Severity::Notice},
    {"config.rejected", Severity::Warning},
    {"link.changed", Severity::Notice},
    {"circuit.up", Severity::Notice},
    {"circuit.degraded", Severity::Warning},
    {"circuit.down", Severity::Alert},
    {"circuit.unknown", Severity::Notice},
    {"path.up", Severity::Info},
    {"path.degraded", Severity::Notice},
    {"path.down", Severity::Notice},
    {"path.unknown", Severity::Info},
    {"carrier.up", Severity::Notice},
    {"carrier.degraded", Severity::Warning},
    {"carrier.down", Severity::Alert},
    {"carrier.unknown", Severity::Notice},
    {"carrier.code-changed", Severity::Warning},
    {"carrier.unauthorised", Severity::Alert},
    {"carrier.authorised", Severity::Notice},
    {"carrier.sees-other", Severity::Warning},
    {"routing.moved", Severity::Warning},
    {"routing.shared", Severity::Warning},
    {"trunk.moved", Severity::Warning},
    {"plan.applied", Severity::Info},
    {"plan.refused", Severity::Alert},
    {"plan.failed", Severity::Alert},
    {"routing.verified", Severity::Notice},
    {"trunk.verified", Severity::Notice},
    {"verify.failed", Severity::Alert},
    {"all-bad", Severity::Alert},
    {"guard.held", Severity::Notice},
    {"incident.opened", Severity::Alert},
    {"incident.closed", Severity::Notice},
    {"override.set", Severity::Warning},
    {"override.released", Severity::Notice},
    {"override.expired", Severity::Notice},
    {"switch.connected", Severity::Notice},
    {"switch.lost", Severity::Alert},
    {"switch.drift", Severity::Warning},
    {"pbx.connected", Severity::Notice},
    {"pbx.lost", Severity::Alert},
    {"pbx.corrected", Severity::Notice},
    {"loop.stalled", Severity::Warning},
    {"circuit.suspect", Severity::Notice},
    {"circuit.cleared", Severity::Info},
    {"target.set-aside", Severity::Warning},
    {"target.returned", Severity::Notice},
    {"diagnosis.made", Severity::Warning},
    {"diagnosis.over", Severity::Notice},
    {"check.failed", Severity::Warning},
    {"check.passed", Severity::Notice},
    {"hops.shared", Severity::Warning},
    {"hops.apart", Severity::Notice},
    {"prober.stuck", Severity::Warning},
    {"connections.stay", Severity::Info},
    {"connections.ended", Severity::Info},
    {"connections.cut", Severity::Notice},
    {"connections.unkept", Severity::Warning},
    {"resolvers.moved", Severity::Notice},
    {"resolvers.silent", Severity::Warning},
    {"resolvers.answering", Severity::Notice},
    {"resolvers.unwritten", Severity::Warning},
    {"calls.fail", Severity::Alert},
    {"calls.trial", Severity::Notice},
    {"calls.well", Severity::Notice},
    {"calls.unheard", Severity::Warning},
    {"carrier.certificate", Severity::Warning},
    {"carrier.tls-files", Severity::Alert},
    {"trial.failed", Severity::Warning},
    {"trial.carried", Severity::Notice},
    {"registration.lost", Severity::Warning},
    {"registration.made", Severity::Notice},
    {"endpoint.up", Severity::Info},
    {"endpoint.down", Severity::Notice},
    {"carrier.located", Severity::Notice},
    {"carrier.not-located", Severity::Warning},
    {"carrier.address-refused", Severity::Alert},
    {"carrier.overloaded", Severity::Notice},
}};

}  // namespace

std::string_view to_string(EventId id) { return kEvents[static_cast<std::size_t>(id)].name; }
Severity severity(EventId id) { return kEvents[static_cast<std::size_t>(id)].severity; }

std::string_view to_string(PbxDriver d) {
  switch (d) {
    case PbxDriver::Kamailio: return "kamailio";
    case PbxDriver::Command: return "command";
    case PbxDriver::Responder: return "responder";
    case PbxDriver::Asterisk: return "asterisk";
    case PbxDriver::Freeswitch: return "freeswitch";
    case PbxDriver::Opensips: return "opensips";
    case PbxDriver::Dns: return "dns";
  }
  return "?";
}

std::optional<PbxDriver> pbx_driver_named(std::string_view name) {
  for (int i = 0; i < kPbxDriverCount; ++i)
    if (to_string(static_cast<PbxDriver>(i)) == name) return static_cast<PbxDriver>(i);
  return std::nullopt;
}

}  // namespace linekeeper::model
