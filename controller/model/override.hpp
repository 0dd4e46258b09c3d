#pragma once
// What a person told us to do, until when and why. Durable before it acts (I19); wins over automatic choice and
// expires by itself (I15).
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/model/time.hpp"

namespace linekeeper::model {

enum class OverrideKind : std::uint8_t {
  Force,     ///< `subject` (a class or trunk) goes by `to` (a circuit or carrier)
  Hold,      ///< no automatic move of `subject` ("" = of anything)
  Failback,  ///< `subject` may go back now to what it prefers, whatever its Failback says; the other guards stay
};
[[nodiscard]] constexpr std::string_view to_string(OverrideKind k) {
  switch (k) {
    case OverrideKind::Force: return "force";
    case OverrideKind::Hold: return "hold";
    case OverrideKind::Failback: return "failback";
  }
  return "?";
}

struct Override {
  std::int64_t id = 0;  ///< given by the journal; small, people type it. 0: by the clock, not by a person (a window of Failback is open)
  OverrideKind kind = OverrideKind::Force;
  std::string subject;  ///< name of a traffic class or trunk; names, not ids: they outlive a reload
  std::string to;       ///< name of a circuit or carrier
  std::string owner;    ///< who (peer credentials of the control socket: "uid 1000 (mira)")
  std::string reason;
  WallTime since{};
  WallTime until{};  ///< wall clock, as the person meant it
};

}  // namespace linekeeper::model
