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

inline constexpr auto kG = MetricType::Gauge;
inline constexpr auto kC = MetricType::Counter;
inline constexpr auto kH = MetricType::Histogram;

inline constexpr auto kMetricCatalogue = std::to_array<MetricRow>({
    // The daemon itself.
    {"build_info", kG, "version,revision,compiler", "The build that runs; always 1."},
    {"config_info", kG, "sha256", "The configuration in use, by the hash of its file; always 1."},
    {"config_last_reload_successful", kG, "", "1 when the last attempt to load the configuration succeeded, 0 when the old one was kept."},
    {"config_last_reload_success_timestamp_seconds", kG, "", "When the configuration in use was loaded."},
    {"operating_mode", kG, "mode", "State set: automatic, or hold when a person froze automatic moves of everything."},
    {"loop_lag_seconds", kH, "", "How late the event loop served a timer."},
    {"loop_last_tick_timestamp_seconds", kG, "", "When the event loop last served its own one-second timer."},
    {"loop_stalls_total", kC, "", "Times that the loop stood still so long that nothing was concluded from what was missed meanwhile."},
    {"loop_stalled_seconds_total", kC, "", "Time that the loop stood still in those."},
    {"log_messages_total", kC, "level", "Log messages by level."},
    {"events_dropped_total", kC, "sink", "Events that a sink (the journal, page streams) could not take and lost."},
    {"recording_blocks_dropped_total", kC, "",
     "Blocks of the recording (five seconds of what was observed) that the journal could not write and lost."},
    {"api_requests_total", kC, "handler,code", "HTTP requests answered, by part of the API and status code."},
    // Circuits: judged by carrier-neutral probes only; SIP never counts here.
    {"circuit_info", kG, "circuit,provider,interface,medium", "What the circuit is; always 1."},
    {"circuit_state", kG, "circuit,state", "State set: what is held to be true about the circuit."},
    {"circuit_active", kG, "circuit", "1 when some traffic class goes by this circuit."},
    {"circuit_priority", kG, "circuit", "Configured priority; smaller is preferred."},
    {"circuit_rtt_seconds", kG, "circuit", "Smoothed round-trip time, as the judge sees it."},
    {"circuit_jitter_seconds", kG, "circuit", "Smoothed difference of successive round-trip times, as the judge sees it."},
    {"circuit_loss_ratio", kG, "circuit", "Share of recent probes lost, as the judge sees it."},
    {"circuit_direction_loss_ratio", kG, "circuit,direction",
     "Loss one way (outbound, inbound), from STAMP reflectors that count what reaches them; NaN = none does."},
    {"circuit_direction_jitter_seconds", kG, "circuit,direction", "Jitter one way (RFC 3550), from STAMP reflectors; NaN = there is none."},
    {"circuit_prober_stuck_total", kC, "circuit", "Times that nothing was sent for several intervals and the prober's sockets were made anew."},
    {"circuit_mos", kG, "circuit",
     "Estimated voice quality of G.711 calls (ITU-T G.107), 1 to 4.5, from the loss, delay and jitter above; 0 = not known."},
    {"circuit_r_factor", kG, "circuit", "Voice quality R of ITU-T G.107 behind that estimate, 0 to 93.2."},
    {"circuit_burst_ratio", kG, "circuit", "How much longer runs of lost probes are than by chance (ITU-T G.107, 7.5); 1 = losses are independent."},
    {"circuit_suspect", kG, "circuit", "1 while the circuit is silent for longer than it usually is and new calls are led around it."},
    {"circuit_suspicions_total", kC, "circuit", "Times that the circuit became suspect."},
    {"circuit_silence_seconds", kG, "circuit", "How long an answer is overdue now; 0 = none is."},
    {"circuit_suspect_after_seconds", kG, "circuit", "Silence that makes the circuit suspect, as learned from its own silences."},
    {"circuit_dead_after_seconds", kG, "circuit",
     "Silence that means the circuit is dead, as learned from its own silences, within what is configured."},
    {"circuit_dead_after_limit_seconds", kG, "circuit", "Configured maximum of the silence that means death."},
    {"circuit_learned_seconds", kG, "circuit", "How much watched time of the circuit its limits of silence were learned from; at most a week."},
    {"circuit_detector_score_ratio", kG, "circuit,detector",
     "Score of a sequential test (lossy, bursty) against its alarm; at 1 the circuit is degraded."},
    {"circuit_shortest_rtt_seconds", kG, "circuit", "Shortest round-trip time of late: what the delay detector compares with the usual one."},
    {"circuit_usual_rtt_seconds", kG, "circuit", "Usual shortest round-trip time, as learned."},
    {"circuit_hold_down_seconds", kG, "circuit", "How long the circuit must be well before anything goes back to it; grows with each relapse."},
    {"circuit_gateway_state", kG, "circuit,state",
     "State set: what the kernel says of the circuit's gateway on the link (answers, doubtful, silent, unknown)."},
    {"circuit_resolver_answers", kG, "circuit", "1 when the circuit's own resolvers answer through it, 0 when not; NaN = not asked."},
    {"circuit_metered", kG, "circuit", "1 when the circuit is paid by the byte."},
    {"circuit_probe_interval_seconds", kG, "circuit", "Time between two scheduled echo requests of the circuit now."},
    {"circuit_quick_probes_left", kG, "circuit",
     "Quick echo requests that its targets may still be sent; with none a silence takes longer to judge; NaN = none are configured."},
    {"circuit_probes_total", kC, "circuit,method,kind",
     "Probes sent by kind: scheduled, closer (a brownout is suspected) and verify (an answer is overdue); method icmp, stamp, tcp, dns or options."},
    {"circuit_probe_bytes_total", kC, "circuit,method,direction",
     "Bytes of probes (sent) and of their answers (received) with their IP headers; of OPTIONS once they have ended."},
    {"circuit_transitions_total", kC, "circuit,to", "Changes of the circuit's state, by the new state."},
    {"circuit_last_transition_timestamp_seconds", kG, "circuit", "When the circuit's state last changed; 0 = not since the start."},
    {"check_info", kG, "circuit,check,kind", "A slower check of the circuit (resolver, http, mtu, public-address, hops); always 1."},
    {"check_result", kG, "circuit,check,result",
     "State set: what the check's standing result is; a bad one stands once it has come twice. All 0 = it has not ended yet."},
    {"check_runs_total", kC, "circuit,check,result", "Runs of the check, by how each ended; local-error is our own side and no evidence."},
    {"check_seconds", kG, "circuit,check", "How long the latest answer took; NaN = there was none."},
    {"check_certificate_expiry_timestamp_seconds", kG, "circuit,check", "When the certificate that the server showed ends; NaN = it showed none."},
    {"circuit_shared_hops", kG, "circuit", "Routers that this circuit has in common with other circuits, by the latest traces."},
    {"target_set_aside", kG, "target,circuit,why",
     "1 while the target's word does not count for this circuit: dead, lossy or lying unlike the others."},
    // What is wrong, by name (controller/decision/diagnosis_table.cpp).
    {"diagnoses", kG, "failed", "How many things of this kind are wrong now."},
    {"diagnosis_active", kG, "failed,circuit,carrier,target",
     "1 while this is what is wrong; a label is empty where the diagnosis is not about one. Of a path (carrier and circuit) from the first time on."},
    // SIP carriers.
    {"carrier_info", kG, "carrier,provider,trunk,transport", "What the SIP carrier is and which trunks offer it; always 1."},
    {"carrier_state", kG, "carrier,state", "State set: what is held to be true about the SIP carrier."},
    {"carrier_active", kG, "carrier", "1 when some trunk prefers this SIP carrier now."},
    {"carrier_priority", kG, "carrier", "Configured priority; smaller is preferred."},
    {"carrier_transitions_total", kC, "carrier,to", "Changes of the SIP carrier's state, by the new state."},
    {"carrier_last_transition_timestamp_seconds", kG, "carrier", "When the SIP carrier's state last changed; 0 = not since the start."},
    {"carrier_tls_expiry_timestamp_seconds", kG, "carrier,circuit",
     "When the first of the certificates ends that the SIP carrier showed over TLS; NaN = none was seen."},
    // Paths: SIP carrier by circuit.
    {"path_state", kG, "carrier,circuit,state", "State set: what is held to be true about the SIP carrier through this circuit."},
    {"path_layer", kG, "carrier,circuit,layer", "What answers say of the path: 1 yes, 0 no, NaN unknown; reachable, authorised, takes_calls."},
    {"path_name_answered", kG, "carrier,circuit",
     "Of a carrier with a host name: 1 its name is answered for by this circuit's resolvers, 0 not now (what was answered before stays), NaN not "
     "looked up yet."},
    {"endpoint_takes_calls", kG, "carrier,circuit,endpoint",
     "Of a carrier with several addresses or a name, for each address that it has now: 1 takes calls, 0 not, NaN unknown."},
    {"path_registered", kG, "carrier,circuit",
     "Of a carrier that we register with: 1 it knows to reach this site by this circuit, 0 it has refused or not answered, NaN asked for the first "
     "time."},
    {"path_test_call_carried", kG, "carrier,circuit",
     "The latest test call of our own: 1 it came as far as it should, 0 not, NaN there was none or our own side could not send it."},
    {"path_test_call_pdd_seconds", kG, "carrier,circuit",
     "Its post-dial delay, from INVITE to the first response that is no 100 (RFC 6076 4.3); NaN = none came."},
    {"path_test_call_timestamp_seconds", kG, "carrier,circuit", "When it ended; 0 = there was none since the start."},
    {"path_selected", kG, "carrier,circuit", "1 when some trunk's order begins with this path."},
    {"path_sip_responses_total", kC, "carrier,circuit,code", "Final responses to OPTIONS, by SIP status code; unregistered codes count as other."},
    {"path_calls_total", kC, "carrier,circuit,fate",
     "Calls that the PBX was seen to make by this path, by how they ended: answered, busy, no-answer, carrier-failed, slow, our-fault, cancelled."},
    {"path_calls_state", kG, "carrier,circuit,state", "State set: whether calls pass by this path; failing is held out of the order."},
    {"path_calls_answered_ratio", kG, "carrier,circuit", "Share of the newest 200 to 400 calls that was answered (ASR, RFC 6076 4.6)."},
    {"path_calls_effective_ratio", kG, "carrier,circuit", "Share of them that the carrier did not fail (NER, ITU-T E.425)."},
    {"path_calls_pdd_median_seconds", kG, "carrier,circuit", "Post-dial delay: from INVITE to ringing (RFC 6076 4.3), median of those that rang."},
    {"path_calls_pdd_p95_seconds", kG, "carrier,circuit", "Post-dial delay, 95 of 100."},
    {"path_calls_in_progress", kG, "carrier,circuit", "Calls that were answered and have not ended."},
    {"path_calls_loss_ratio", kG, "carrier,circuit", "Share of voice packets that receivers report as lost (RTCP), smoothed."},
    {"path_calls_jitter_seconds", kG, "carrier,circuit", "Jitter that receivers report (RTCP), smoothed."},
    {"calls_heard", kG, "", "1 while the SIP that the PBX mirrors can be listened to, 0 while not."},
    {"calls_feed_messages_total", kC, "fate", "Mirrored packets: read, unread (malformed), refused (sender or key), dropped by the kernel."},
    {"path_sip_overdue_total", kC, "carrier,circuit", "OPTIONS without a response of any kind for a second; most are answered in the end."},
    // Probes.
    {"probe_info", kG, "circuit,probe,method,target,carrier", "What the probe asks and whom; always 1."},
    {"probe_attempts_total", kC, "circuit,probe", "Probes sent, or tried to be sent."},
    {"probe_failures_total", kC, "circuit,probe,reason",
     "Probes without a good end: timeout, rejected by the network, or local_error (our own side, no evidence)."},
    {"probe_late_total", kC, "circuit,probe", "Answers that came after the longest timeout; each was counted as a timeout before."},
    {"probe_rtt_seconds", kH, "circuit,probe", "Round-trip times of answered probes."},
    // Service, by plane (routing or trunk) and service (traffic class or trunk).
    {"service_state", kG, "plane,service,state", "State set: ok, degraded (not the first choice, or no second way left), down, unknown."},
    {"service_available", kG, "plane,service", "1 when the service is not known to fail: its way is not down and no recovery is under way."},
    {"service_unavailable_seconds_total", kC, "plane,service",
     "Time without service, from the last good probe to the verified recovery, measured by the daemon."},
    {"candidates_configured", kG, "plane,service", "Ways the service may go."},
    {"candidates_eligible", kG, "plane,service", "Ways the service could go now."},
    {"decisions_total", kC, "plane,outcome", "Decisions: moved, or held by a guard although a better way exists."},
    {"moves_total", kC, "plane,motive", "Moves decided, by why: first-choice, escape, failback, quality, suspicion, capacity, forced, ..."},
    {"trunk_calls", kG, "trunk", "Calls in progress, as last told; NaN = nobody tells."},
    {"trunk_calls_per_second", kG, "trunk", "Attempts per second, as last told; NaN = nobody tells."},
    {"decisions_suppressed_total", kC, "guard", "Decisions held back, by guard."},
    {"failovers_total", kC, "plane,from,to,trigger", "Moves decided, by what was left, what was taken, and who asked."},
    {"failover_failures_total", kC, "plane,phase", "Moves that failed: refused at decide, failed at apply, or not proven at verify."},
    {"failover_in_progress", kG, "plane,service", "1 while a recovery is under way and not yet verified."},
    {"failover_duration_seconds", kH, "plane,trigger", "Last good probe to verified recovery. Every configured RTO target is a bucket bound."},
    {"failover_phase_duration_seconds", kH, "plane,phase", "Parts of a recovery: detect, decide, apply, verify."},
    {"failover_last_duration_seconds", kG, "plane,service", "Last good probe to verified recovery, of the last recovery."},
    {"failover_last_timestamp_seconds", kG, "plane,service", "When the last recovery was verified; 0 = not since the start."},
    {"rto_target_seconds", kG, "plane,service", "Configured recovery time objective."},
    {"rto_breaches_total", kC, "plane,service,trigger", "Recoveries that took longer than the target, counted when the target passes."},
    // People.
    {"override_active", kG, "plane,service", "1 while a person forces or holds the choice of this service."},
    {"override_expiry_timestamp_seconds", kG, "plane,service", "When the last override of this service ends; 0 = none."},
    // Connections in progress.
    {"connections_draining", kG, "service,circuit", "Connections of a traffic class that stay behind on a circuit it no longer goes by."},
    {"connections_cut_total", kC, "circuit,reason",
     "Connections deleted so that they begin anew on another circuit, by why: dead, deadline, address (gone) or removed (from the configuration)."},
    {"resolvers_answering", kG, "",
     "1 when the first resolver in the file for this host ([resolvers]) answers, 0 when not; NaN = none is written, or not asked yet."},
    {"resolvers_file_in_sync", kG, "", "1 while that file is as it should be, 0 when it cannot be written; NaN = none is configured."},
    {"connections_kept", kG, "", "1 while the kernel marks and translates connections as configured, 0 while it does not."},
    // Actuators: the kernel switch and each PBX.
    {"actuator_connected", kG, "actuator", "1 when the route switch or the PBX answers."},
    {"actuator_in_sync", kG, "actuator", "1 when what stands was read back equal to what was decided."},
    {"actuator_operations_total", kC, "actuator", "Changes asked of the route switch or the PBX."},
    {"actuator_corrections_total", kC, "actuator", "Foreign changes found and put back."},
    {"actuator_failures_total", kC, "actuator,reason", "Changes that did not happen: refused, failed, timeout, disconnected, mismatch on read-back."},
});

}  // namespace linekeeper::telemetry
