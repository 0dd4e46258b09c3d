#include "controller/telemetry/event_catalogue.hpp"

#include <fmt/format.h>

namespace linekeeper::telemetry {

using model::EventId;

EventAdvice advice(EventId id) {
  switch (id) {
    case EventId::DaemonStarted:
      return {"The daemon started and adopts what stands; no route was changed by starting.",
              "Nothing, if you expected it. Otherwise see why it stopped: journalctl -u linekeeperd."};
    case EventId::DaemonStopped:
      return {"The daemon stopped in order. Routes stay as they are; a PBX returns to its static order when its lease ends.",
              "Start it again soon: until then nothing fails over."};
    case EventId::ConfigReloaded: return {"A new configuration was read, found sound and is in use.", "Nothing."};
    case EventId::ConfigRejected:
      return {"The configuration file has mistakes; the old one stays in use.",
              "Run: linekeeper config check FILE. It lists every mistake with its line."};
    case EventId::LinkChanged:
      return {"The kernel reports a change of a circuit's interface, carrier, address or gateway.",
              "Nothing by itself. If the link was lost: check the cable, the modem and its power."};
    case EventId::CircuitUp:
      return {
          "The circuit answers again, often enough to be called up. Traffic returns to it after its hold-down, which grows with each relapse, if "
          "it is preferred.",
          "Nothing. Tell the provider if a ticket is open."};
    case EventId::CircuitDegraded:
      return {
          "The circuit lives, but loses part of what goes over it, or delays it far beyond what is usual there: a brownout. The text says which. "
          "Classes with limits of quality leave it if another circuit is better.",
          "Is it our own load (a backup running)? If not, open a ticket with the provider: linekeeper explain CIRCUIT has the figures."};
    case EventId::CircuitDown:
      return {
          "The circuit is dead: its link is gone, or several targets in several networks are silent for longer than a living circuit of its kind is.",
          "Check the modem and its power, then call the provider's NOC with the time of this event. Traffic has been moved if another way is up."};
    case EventId::CircuitUnknown:
      return {"Too little is known about the circuit to judge it; unknown moves nothing.",
              "If it lasts longer than a minute, look for local errors: linekeeper explain CIRCUIT."};
    case EventId::PathUp: return {"The SIP carrier answers through this circuit.", "Nothing."};
    case EventId::PathDegraded:
      return {"The SIP carrier answers through this circuit, but with a code that says it takes calls badly.",
              "Watch it. If only one circuit is hit, suspect the peering between that provider and the SIP carrier."};
    case EventId::PathDown:
      return {"The SIP carrier takes no calls through this circuit.",
              "If other circuits reach it: check that this circuit's public address is on the SIP carrier's allow-list, then its peering."};
    case EventId::PathUnknown:
      return {"It is not known whether the SIP carrier answers through this circuit, often because the circuit itself is down.",
              "Nothing; look at the circuit first."};
    case EventId::CarrierUp: return {"The SIP carrier answers by at least one circuit.", "Nothing. Tell the carrier if a ticket is open."};
    case EventId::CarrierDegraded:
      return {"The SIP carrier answers, but with a code that says it takes calls badly, or not by every circuit.",
              "Look at: linekeeper paths. Open a ticket with the carrier if it lasts."};
    case EventId::CarrierDown:
      return {"The SIP carrier takes no calls by any circuit that is up.",
              "Call the carrier's NOC with the time and the last SIP code. Calls prefer another carrier if one is up."};
    case EventId::CarrierUnknown:
      return {"It is not known whether the SIP carrier answers; unknown moves nothing.",
              "If circuits are up and it lasts, look for local errors: linekeeper explain CARRIER."};
    case EventId::CarrierCodeChanged:
      return {"The SIP carrier answers OPTIONS with another code than before.",
              "If calls still pass, ask the carrier what it changed, and set the meaning of the code in the carrier's replies."};
    case EventId::CarrierUnauthorised:
      return {"The SIP carrier refuses our credentials, or forbids us since our address on the circuit is another.",
              "Credentials: correct user, realm or password of the carrier's auth and reload. Address: have the circuit's present one allowed by the "
              "carrier."};
    case EventId::CarrierAuthorised: return {"The SIP carrier knows us again through this circuit.", "Nothing."};
    case EventId::CarrierSeesOther:
      return {"The SIP carrier sees us come from another public address than the circuit's expect_public. Nothing is moved by it.",
              "The probe left by another way, or the provider's address changed: compare with the circuit's public-address check, then correct "
              "routes, translation or expect_public."};
    case EventId::RoutingMoved:
      return {"It was decided that a traffic class goes by another circuit; the text says why.",
              "Watch for routing.verified. If it does not follow, see: linekeeper explain."};
    case EventId::RoutingShared:
      return {"Another set of circuits shares a traffic class; which of them is first is as before. The text says who, and by what weights.",
              "Nothing, where one has come back. Otherwise look at the circuit that left: linekeeper explain CIRCUIT."};
    case EventId::TrunkMoved:
      return {"It was decided that a trunk prefers another order of SIP carriers; the text says why.",
              "Watch for trunk.verified. If it does not follow, see: linekeeper explain."};
    case EventId::PlanApplied: return {"The switch or the PBX carried out the plan, and it was read back as written.", "Nothing."};
    case EventId::PlanRefused:
      return {"The switch refused a plan, or held one class's move back, by a safety rule that it names. What that is about was not changed.",
              "Keep the text: this is a guard at work or a fault of ours. If service suffers, act by hand and report it."};
    case EventId::PlanFailed:
      return {"The kernel or the PBX did not do what it was told; the former state was kept or restored as far as possible.",
              "Read the error in the text. For routes: journalctl -u linekeeper-switch; for a PBX: its log and its RPC socket."};
    case EventId::RoutingVerified: return {"Traffic of the class is proven to pass by the new circuit.", "Nothing."};
    case EventId::TrunkVerified: return {"The SIP carrier now preferred is proven to answer, and the PBX reads back the order.", "Nothing."};
    case EventId::VerifyFailed:
      return {
          "The move was carried out, but what shows that the new way works did not come in time: answers to probes that go as the class's "
          "traffic does, or the carrier's answer and the PBX's order read back. It is tried again; a class may be led elsewhere.",
          "linekeeper explain the class or trunk. Where its circuit and carrier are up, look at this machine first: rules of others, "
          "firewall, address translation; else call the provider of the way that stands."};
    case EventId::AllBad:
      return {"Nothing that could be chosen is up. All at once is more often our own side than every provider, so nothing is moved.",
              "Check power, the site's own switch and cabling, and the firewall; then the providers."};
    case EventId::GuardHeld:
      return {"A better choice exists, but a guard holds it back; the text names the guard.",
              "Nothing, in most cases: the guard lets go by itself. To go ahead anyway, override that guard by name."};
    case EventId::IncidentOpened:
      return {"Service is being lost; the clock against the recovery target runs from the last good probe.",
              "Open the first-30-minutes runbook of this failure mode, name a lead."};
    case EventId::IncidentClosed:
      return {"Service is recovered and proven; the text gives the recovery time against its target.",
              "Follow up with the vendor. If the target was missed, hold a review."};
    case EventId::OverrideSet:
      return {"A person forced or held a choice, until the time given.", "Nothing, if you know of it. Otherwise ask the owner named in it."};
    case EventId::OverrideReleased: return {"A person ended an override; automatic choice is back.", "Nothing."};
    case EventId::OverrideExpired: return {"An override reached its end; automatic choice is back.", "Set it again if it is still needed."};
    case EventId::SwitchConnected: return {"The route switch is connected again; what stands in the kernel was read.", "Nothing."};
    case EventId::SwitchLost:
      return {"The route switch is gone. Routes stay as they are; no circuit can be changed until it is back.",
              "systemctl restart linekeeper-switch, then journalctl -u linekeeper-switch for the cause."};
    case EventId::SwitchDrift:
      return {"Something else changed our routes or rules, and they were put back; or a rule of somebody else's leads traffic past ours.",
              "Find who did it (another routing daemon, networkd, a script). After 3 repairs in 10 minutes it is left alone."};
    case EventId::ConnectionsStay:
      return {"A class has left a circuit that lives: its connections stay there until they end or their time is over, new ones go the new way.",
              "Nothing. linekeeper status shows how many are left, and until when."};
    case EventId::ConnectionsEnded: return {"The last connection that had stayed on a circuit has ended by itself.", "Nothing."};
    case EventId::ConnectionsCut:
      return {
          "Connections were deleted, so that their next packet begins them anew where their class goes: their circuit is dead or no longer "
          "configured, its address is gone, or the time they might stay is over.",
          "Nothing. If calls are cut at the end of that time, lengthen drain of their class."};
    case EventId::ConnectionsUnkept:
      return {"The kernel does not mark or translate connections as configured: when a circuit is left, those in progress go with all others.",
              "The text says why; usually a module is missing (modprobe nf_conntrack nft_ct nft_masq). It is tried again every 30 s."};
    case EventId::ResolversMoved: return {"This host's resolvers are those of another circuit now, because everything else goes by it.", "Nothing."};
    case EventId::ResolversSilent:
      return {"The resolvers of the circuit in use do not answer: those that do come first in the file, if there are any.",
              "Call the provider of the circuit; give [resolvers] a fallback that belongs to no circuit."};
    case EventId::ResolversAnswering: return {"The resolvers of the circuit in use answer again, and come first.", "Nothing."};
    case EventId::ResolversUnwritten:
      return {"The file of this host's resolvers cannot be written: names may be asked of a circuit that was left.",
              "The text says why. linekeeperd may write below /run/linekeeper only; other directories need ReadWritePaths= in its unit."};
    case EventId::CallsFail:
      return {"A carrier answers OPTIONS by this circuit and takes no calls: it is held out of the order whatever OPTIONS say.",
              "Call the carrier; the text says how many calls failed, and how. It is given calls again after a hold-down."};
    case EventId::CallsTrial:
      return {"A carrier that took no calls may have some again, to see whether they pass. The first that fails ends the trial.", "Nothing."};
    case EventId::CallsWell: return {"Calls by this carrier and circuit pass again.", "Nothing."};
    case EventId::TrialFailed:
      return {"A test call of our own by this carrier and circuit did not come as far as it should. The text says how far.",
              "Try again: linekeeper call CARRIER --circuit CIRCUIT. If OPTIONS are fine and this is not, tell the carrier the time of the call."};
    case EventId::TrialCarried: return {"Test calls by this carrier and circuit come as far as they should again.", "Nothing."};
    case EventId::RegistrationLost:
      return {"The carrier does not know where to reach this site by that circuit: our registration there has ended, or is refused.",
              "Calls still come by other circuits that are registered. 401 or 403: see user and password_file; unanswered: see the circuit first."};
    case EventId::RegistrationMade: return {"The carrier knows where to reach this site by that circuit.", "Nothing."};
    case EventId::CallsUnheard:
      return {"The SIP that the PBX mirrors is not heard, or not all of it: calls are no witnesses for now.",
              "The text says why; see [calls] in the configuration and hep lines in the PBX."};
    case EventId::CarrierCertificate:
      return {"A certificate that the SIP carrier shows over TLS ends within 14 days, or has ended; told once a day.",
              "Tell the carrier, or renew your own authority's: after that no OPTIONS and no call over TLS reaches it."};
    case EventId::CarrierTlsFiles:
      return {"The trusted certificates, the certificate or the key that the configuration names for a SIP carrier cannot be used.",
              "linekeeper config check names the file; the user of linekeeperd must be able to read it. It is looked at again at each connection."};
    case EventId::EndpointUp: return {"One address of a SIP carrier takes calls by a circuit.", "Nothing."};
    case EventId::EndpointDown:
      return {"One address of a SIP carrier takes no calls by a circuit; while another of the same priority does, nothing moves.",
              "Tell the carrier the address and the time. Take it out of the PBX's list if the PBX has one of its own."};
    case EventId::CarrierLocated:
      return {"DNS names other addresses of a carrier; the new ones begin unknown, and old ones count until the new have a verdict.",
              "Nothing, if the carrier has told of it; else ask. Firewalls and allow-lists may need the new addresses."};
    case EventId::CarrierNotLocated:
      return {"A carrier's name is not answered for by a circuit's resolvers, or does not exist; its last good addresses stay.",
              "See the resolvers of that circuit; for a name that does not exist, the carrier's zone and the spelling of address."};
    case EventId::CarrierAddressRefused:
      return {"DNS named an address for a carrier outside its pinned networks: it is never asked and never steered to.",
              "Suspect poisoning: compare with another resolver. If the carrier has new networks, add them to pinned."};
    case EventId::CarrierOverloaded:
      return {"The SIP carrier has asked for less (RFC 7339): for so long as it says, its interval at the most, nothing is sent to it out of turn.",
              "Nothing by itself: it is no sign of death. If calls fail too, tell the carrier; if it comes each day, ask it for its capacity."};
    case EventId::PbxConnected: return {"The PBX answers again; the order is asserted once more.", "Nothing."};
    case EventId::PbxLost:
      return {"The PBX does not answer. It returns to its own static order when the lease ends.",
              "Check that it runs and that its RPC socket exists and may be written to by linekeeper."};
    case EventId::PbxCorrected:
      return {"The PBX had another order than decided (a restart, or a hand); it was put back.",
              "Nothing, after a restart of the PBX. Otherwise find who changed it."};
    case EventId::LoopStalled:
      return {"The daemon itself was late: too little CPU, a suspended machine, or a slow disk. Evidence of that moment is not trusted.",
              "If it repeats, look at the load of the machine and its storage."};
    case EventId::CircuitSuspect:
      return {"The circuit is silent for longer than it usually is. New calls are led around it; nothing else has moved yet.",
              "Nothing: within seconds it is either cleared or called down."};
    case EventId::CircuitCleared: return {"The silent circuit has answered: new calls may use it again.", "Nothing."};
    case EventId::TargetSetAside:
      return {"One target answers differently from all others on that circuit: its word does not count there until it behaves.",
              "If it lasts, choose another target in the configuration: linekeeper explain CIRCUIT names what it did."};
    case EventId::TargetReturned: return {"A target that had been set aside behaves again, and counts again.", "Nothing."};
    case EventId::DiagnosisMade:
      return {"What has failed got its name, with the evidence for it.",
              "Call whom it names. It stands on top of linekeeper status until it is over."};
    case EventId::CheckFailed:
      return {"A slower check of a circuit (resolver, page, packet size, public address) twice did not end as it should.",
              "If a diagnosis follows, call whom it names. Try it by hand: linekeeper probe run KIND --circuit NAME."};
    case EventId::CheckPassed: return {"A check that did not end as it should does so again.", "Nothing."};
    case EventId::HopsShared:
      return {"Two circuits go through the same router: they may fail together, whatever their contracts say.",
              "Ask both providers for the route, and put the circuits into one risk group until it is answered."};
    case EventId::HopsApart: return {"Two circuits that went through one router do so no more.", "Nothing. Think of a risk group that may go."};
    case EventId::DiagnosisOver: return {"What was named is not wrong any more.", "Nothing. Tell whoever holds the ticket."};
    case EventId::ProberStuck:
      return {
          "Nothing was sent to a circuit's targets for several intervals, though its link is up. The prober's sockets were made anew; the circuit "
          "is not blamed.",
          "If it repeats: look for a firewall of this machine that drops our probes, missing rights (net.ipv4.ping_group_range), or missing routes."};
  }
  return {};
}

std::string catalogue_markdown() {
  std::string out = "| event | severity | what it means | what to do |\n|---|---|---|---|\n";
  for (int i = 0; i < model::kEventCount; ++i) {
    const auto id = static_cast<EventId>(i);
    const EventAdvice text = advice(id);
    out += fmt::format("| `{}` | {} | {} | {} |\n", model::to_string(id), model::to_string(model::severity(id)), text.meaning, text.act);
  }
  return out;
}

}  // namespace linekeeper::telemetry
