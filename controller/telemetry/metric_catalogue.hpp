#pragma once
// Every metric family, once: name, type, labels, HELP. Families are made from this table and from nowhere else; a test
// compares it with what is served at start.
// Rules: base units; `_total` for counters; timestamps, never ages (0 = never); ratios 0..1; attempts and failures as two
// counters; a changing word is a state set (one 0/1 series per word, exactly one is 1); a figure not known yet is NaN, or 0 where no
// figure can be 0 (a time, a MOS).
// Label values come from configured names, fixed vocabularies and registered SIP codes, never from the wire.
#include <array>
#include <cstdint>
#include <string_view>

namespace linekeeper::telemetry {

enum class MetricType : std::uint8_t { Gauge, Counter, Histogram };
[[nodiscard]] constexpr std::string_view to_string(MetricType t) {
  switch (t) {
    case MetricType::Gauge: return "gauge";
    case MetricType::Counter: return "counter";
    case MetricType::Histogram: return "histogram";
  }
  return "?";
}

struct MetricRow {
  std::string_view name;  ///< without the prefix
  MetricType type = MetricType::Gauge;
  std::string_view labels;  ///< names, comma separated, in the order in which values are given
  std::string_view help;    ///< no backslash, no newline: the text format would need escapes
};

inline constexpr std::string_view kMetricPrefix = "linekeeper_";

inline constexpr auto G = MetricType::Gauge;
inline constexpr auto C = MetricType::Counter;
inline constexpr auto H = MetricType::Histogram;

inline constexpr auto kMetricCatalogue = std::to_array<MetricRow>({
    // The daemon itself.
    {"build_info", G, "version,revision,compiler", "The build that runs; always 1."},
    {"config_info", G, "sha256", "The configuration in use, by the hash of its file; always 1."},
    {"config_last_reload_successful", G, "", "1 when the last attempt to load the configuration succeeded, 0 when the old one was kept."},
    {"config_last_reload_success_timestamp_seconds", G, "", "When the configuration in use was loaded."},
    {"operating_mode", G, "mode", "State set: automatic, or hold when a person froze automatic moves of everything."},
    {"loop_lag_seconds", H, "", "How late the event loop served a timer."},
    {"loop_last_tick_timestamp_seconds", G, "", "When the event loop last served its own one-second timer."},
    {"loop_stalls_total", C, "", "Times that the loop stood still so long that nothing was concluded from what was missed meanwhile."},
    {"loop_stalled_seconds_total", C, "", "Time that the loop stood still in those."},
    {"log_messages_total", C, "level", "Log messages by level."},
    {"events_dropped_total", C, "sink", "Events that a sink (the journal, page streams) could not take and lost."},
    {"recording_blocks_dropped_total", C, "",
     "Blocks of the recording (five seconds of what was observed) that the journal could not write and lost."},
    {"api_requests_total", C, "handler,code", "HTTP requests answered, by part of the API and status code."},
    // Circuits: judged by carrier-neutral probes only; SIP never counts here.
    {"circuit_info", G, "circuit,provider,interface,medium", "What the circuit is; always 1."},
    {"circuit_state", G, "circuit,state", "State set: what is held to be true about the circuit."},
    {"circuit_active", G, "circuit", "1 when some traffic class goes by this circuit."},
    {"circuit_priority", G, "circuit", "Configured priority; smaller is preferred."},
    {"circuit_rtt_seconds", G, "circuit", "Smoothed round-trip time, as the judge sees it."},
    {"circuit_jitter_seconds", G, "circuit", "Smoothed difference of successive round-trip times, as the judge sees it."},
    {"circuit_loss_ratio", G, "circuit", "Share of recent probes lost, as the judge sees it."},
    {"circuit_direction_loss_ratio", G, "circuit,direction",
     "Loss one way (outbound, inbound), from STAMP reflectors that count what reaches them; NaN = none does."},
    {"circuit_direction_jitter_seconds", G, "circuit,direction", "Jitter one way (RFC 3550), from STAMP reflectors; NaN = there is none."},
    {"circuit_prober_stuck_total", C, "circuit", "Times that nothing was sent for several intervals and the prober's sockets were made anew."},
    {"circuit_mos", G, "circuit",
     "Estimated voice quality of G.711 calls (ITU-T G.107), 1 to 4.5, from the loss, delay and jitter above; 0 = not known."},
    {"circuit_r_factor", G, "circuit", "Voice quality R of ITU-T G.107 behind that estimate, 0 to 93.2."},
    {"circuit_burst_ratio", G, "circuit", "How much longer runs of lost probes are than by chance (ITU-T G.107, 7.5); 1 = losses are independent."},
    {"circuit_suspect", G, "circuit", "1 while the circuit is silent for longer than it usually is and new calls are led around it."},
    {"circuit_suspicions_total", C, "circuit", "Times that the circuit became suspect."},
    {"circuit_silence_seconds", G, "circuit", "How long an answer is overdue now; 0 = none is."},
    {"circuit_suspect_after_seconds", G, "circuit", "Silence that makes the circuit suspect, as learned from its own silences."},
    {"circuit_dead_after_seconds", G, "circuit",
     "Silence that means the circuit is dead, as learned from its own silences, within what is configured."},
    {"circuit_dead_after_limit_seconds", G, "circuit", "Configured maximum of the silence that means death."},
    {"circuit_learned_seconds", G, "circuit", "How much watched time of the circuit its limits of silence were learned from; at most a week."},
    {"circuit_detector_score_ratio", G, "circuit,detector",
     "Score of a sequential test (lossy, bursty) against its alarm; at 1 the circuit is degraded."},
    {"circuit_shortest_rtt_seconds", G, "circuit", "Shortest round-trip time of late: what the delay detector compares with the usual one."},
    {"circuit_usual_rtt_seconds", G, "circuit", "Usual shortest round-trip time, as learned."},
    {"circuit_hold_down_seconds", G, "circuit", "How long the circuit must be well before anything goes back to it; grows with each relapse."},
    {"circuit_gateway_state", G, "circuit,state",
     "State set: what the kernel says of the circuit's gateway on the link (answers, doubtful, silent, unknown)."},
    {"circuit_resolver_answers", G, "circuit", "1 when the circuit's own resolvers answer through it, 0 when not; NaN = not asked."},
    {"circuit_metered", G, "circuit", "1 when the circuit is paid by the byte."},
    {"circuit_probe_interval_seconds", G, "circuit", "Time between two scheduled echo requests of the circuit now."},
    {"circuit_quick_probes_left", G, "circuit",
     "Quick echo requests that its targets may still be sent; with none a silence takes longer to judge; NaN = none are configured."},
    {"circuit_probes_total", C, "circuit,method,kind",
     "Probes sent by kind: scheduled, closer (a brownout is suspected) and verify (an answer is overdue); method icmp, stamp, tcp, dns or options."},
    {"circuit_probe_bytes_total", C, "circuit,method,direction",
     "Bytes of probes (sent) and of their answers (received) with their IP headers; of OPTIONS once they have ended."},
    {"circuit_transitions_total", C, "circuit,to", "Changes of the circuit's state, by the new state."},
    {"circuit_last_transition_timestamp_seconds", G, "circuit", "When the circuit's state last changed; 0 = not since the start."},
    {"check_info", G, "circuit,check,kind", "A slower check of the circuit (resolver, http, mtu, public-address, hops); always 1."},
    {"check_result", G, "circuit,check,result",
     "State set: what the check's standing result is; a bad one stands once it has come twice. All 0 = it has not ended yet."},
    {"check_runs_total", C, "circuit,check,result", "Runs of the check, by how each ended; local-error is our own side and no evidence."},
    {"check_seconds", G, "circuit,check", "How long the latest answer took; NaN = there was none."},
    {"check_certificate_expiry_timestamp_seconds", G, "circuit,check", "When the certificate that the server showed ends; NaN = it showed none."},
    {"circuit_shared_hops", G, "circuit", "Routers that this circuit has in common with other circuits, by the latest traces."},
    {"target_set_aside", G, "target,circuit,why",
     "1 while the target's word does not count for this circuit: dead, lossy or lying unlike the others."},
    // What is wrong, by name (controller/decision/diagnosis_table.cpp).
    {"diagnoses", G, "failed", "How many things of this kind are wrong now."},
    {"diagnosis_active", G, "failed,circuit,carrier,target",
     "1 while this is what is wrong; a label is empty where the diagnosis is not about one. Of a path (carrier and circuit) from the first time on."},
    // SIP carriers.
    {"carrier_info", G, "carrier,provider,trunk,transport", "What the SIP carrier is and which trunks offer it; always 1."},
    {"carrier_state", G, "carrier,state", "State set: what is held to be true about the SIP carrier."},
    {"carrier_active", G, "carrier", "1 when some trunk prefers this SIP carrier now."},
    {"carrier_priority", G, "carrier", "Configured priority; smaller is preferred."},
    {"carrier_transitions_total", C, "carrier,to", "Changes of the SIP carrier's state, by the new state."},
    {"carrier_last_transition_timestamp_seconds", G, "carrier", "When the SIP carrier's state last changed; 0 = not since the start."},
    // Paths: SIP carrier by circuit.
    {"path_state", G, "carrier,circuit,state", "State set: what is held to be true about the SIP carrier through this circuit."},
    {"path_selected", G, "carrier,circuit", "1 when some trunk's order begins with this path."},
    {"path_sip_responses_total", C, "carrier,circuit,code", "Final responses to OPTIONS, by SIP status code; unregistered codes count as other."},
    {"path_sip_overdue_total", C, "carrier,circuit", "OPTIONS without a response of any kind for a second; most are answered in the end."},
    // Probes.
    {"probe_info", G, "circuit,probe,method,target,carrier", "What the probe asks and whom; always 1."},
    {"probe_attempts_total", C, "circuit,probe", "Probes sent, or tried to be sent."},
    {"probe_failures_total", C, "circuit,probe,reason",
     "Probes without a good end: timeout, rejected by the network, or local_error (our own side, no evidence)."},
    {"probe_late_total", C, "circuit,probe", "Answers that came after the longest timeout; each was counted as a timeout before."},
    {"probe_rtt_seconds", H, "circuit,probe", "Round-trip times of answered probes."},
    // Service, by plane (routing or trunk) and service (traffic class or trunk).
    {"service_state", G, "plane,service,state", "State set: ok, degraded (not the first choice, or no second way left), down, unknown."},
    {"service_available", G, "plane,service", "1 when the service is not known to fail: its way is not down and no recovery is under way."},
    {"service_unavailable_seconds_total", C, "plane,service",
     "Time without service, from the last good probe to the verified recovery, measured by the daemon."},
    {"candidates_configured", G, "plane,service", "Ways the service may go."},
    {"candidates_eligible", G, "plane,service", "Ways the service could go now."},
    {"decisions_total", C, "plane,outcome", "Decisions: moved, or held by a guard although a better way exists."},
    {"moves_total", C, "plane,motive", "Moves decided, by why: first-choice, escape, failback, quality, suspicion, capacity, forced, ..."},
    {"trunk_calls", G, "trunk", "Calls in progress, as last told; NaN = nobody tells."},
    {"trunk_calls_per_second", G, "trunk", "Attempts per second, as last told; NaN = nobody tells."},
    {"decisions_suppressed_total", C, "guard", "Decisions held back, by guard."},
    {"failovers_total", C, "plane,from,to,trigger", "Moves decided, by what was left, what was taken, and who asked."},
    {"failover_failures_total", C, "plane,phase", "Moves that failed: refused at decide, failed at apply, or not proven at verify."},
    {"failover_in_progress", G, "plane,service", "1 while a recovery is under way and not yet verified."},
    {"failover_duration_seconds", H, "plane,trigger", "Last good probe to verified recovery. Every configured RTO target is a bucket bound."},
    {"failover_phase_duration_seconds", H, "plane,phase", "Parts of a recovery: detect, decide, apply, verify."},
    {"failover_last_duration_seconds", G, "plane,service", "Last good probe to verified recovery, of the last recovery."},
    {"failover_last_timestamp_seconds", G, "plane,service", "When the last recovery was verified; 0 = not since the start."},
    {"rto_target_seconds", G, "plane,service", "Configured recovery time objective."},
    {"rto_breaches_total", C, "plane,service,trigger", "Recoveries that took longer than the target, counted when the target passes."},
    // People.
    {"override_active", G, "plane,service", "1 while a person forces or holds the choice of this service."},
    {"override_expiry_timestamp_seconds", G, "plane,service", "When the last override of this service ends; 0 = none."},
    // Connections in progress.
    {"connections_draining", G, "service,circuit", "Connections of a traffic class that stay behind on a circuit it no longer goes by."},
    {"connections_cut_total", C, "circuit,reason",
     "Connections deleted so that they begin anew on another circuit, by why: dead, deadline, address (gone) or removed (from the configuration)."},
    {"connections_kept", G, "", "1 while the kernel marks and translates connections as configured, 0 while it does not."},
    // Actuators: the kernel switch and each PBX.
    {"actuator_connected", G, "actuator", "1 when the route switch or the PBX answers."},
    {"actuator_in_sync", G, "actuator", "1 when what stands was read back equal to what was decided."},
    {"actuator_operations_total", C, "actuator", "Changes asked of the route switch or the PBX."},
    {"actuator_corrections_total", C, "actuator", "Foreign changes found and put back."},
    {"actuator_failures_total", C, "actuator,reason", "Changes that did not happen: refused, failed, timeout, disconnected, mismatch on read-back."},
});

}  // namespace linekeeper::telemetry
