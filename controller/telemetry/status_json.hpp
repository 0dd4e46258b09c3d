#pragma once
// The JSON documents of controller/admin/README.md: that page is the contract, this is its only writer.
#include <boost/json/object.hpp>

#include "controller/model/event.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::telemetry {

/// The status document. Durations count from status.now; a figure that is not known yet is null. A Status without a
/// site gives a document with empty lists.
[[nodiscard]] boost::json::object status_json(const model::Status& status);

[[nodiscard]] boost::json::object event_json(const model::Event& event);
[[nodiscard]] boost::json::object override_json(const model::Override& override);

}  // namespace linekeeper::telemetry
