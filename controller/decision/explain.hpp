#pragma once
// Sentences, made from the very values that decided. Used by status, explain, events and the page, so that what people are told
// is what the judge saw.
#include <string>
#include <string_view>
#include <vector>

#include "controller/decision/policy.hpp"
#include "controller/decision/trunk_policy.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

/// "0.4 s", "12 s", "6m11s", "2h05m", "41d".
[[nodiscard]] std::string words(model::Duration d);

/// "silent while others answer": why a target's word does not count.
[[nodiscard]] std::string_view set_aside_words(model::SetAside s);

/// "answered by 3 of 3 targets", "down for 12 s: 7 probes in a row unanswered by 3 targets", "degraded for 12 s: loses 31.0 % of its probes in
/// bursts", "silent for 0.4 s (called down after 0.9 s)"
[[nodiscard]] std::string circuit_clause(const model::Site& site, const model::CircuitStatus& circuit, model::Instant now);
/// "OPTIONS answered 200 in 31 ms", "down for 4 s: OPTIONS unanswered 3 times in a row"
/// Of one of a carrier's addresses, in the words of path_clause.
[[nodiscard]] std::string endpoint_clause(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit,
                                          const model::EndpointStatus& endpoint, model::Instant now);
[[nodiscard]] std::string path_clause(const model::Site& site, const model::PathStatus& path, model::Instant now);
/// "takes calls through fiber, coax", "down: fiber OPTIONS unanswered ...; coax ..."
[[nodiscard]] std::string carrier_clause(const model::Status& status, model::CarrierId carrier);

/// Fills reason and rejected of a class's choice.
/// @param of_carrier  of a carrier's part: the carrier's paths, by circuit
void say_class(const model::Site& site, model::ClassChoice& said, const CircuitChoice& choice, std::span<const model::CircuitStatus> circuits,
               model::Instant now, std::span<const model::PathStatus> of_carrier = {});
/// Fills reason and rejected of a trunk's choice.
void say_trunk(const model::Site& site, model::TrunkChoice& said, const TrunkDecision& decision, std::span<const model::PathStatus> paths,
               std::size_t circuit_count, model::Instant now);

/// The whole answer of `linekeeper explain`, line by line.
/// @param subject  name of a class, trunk, circuit or carrier; "routing", "trunks"; "" for everything
/// @return nothing when no such name exists
[[nodiscard]] std::optional<std::vector<std::string>> explain(const model::Status& status, std::string_view subject);

}  // namespace linekeeper::decision
