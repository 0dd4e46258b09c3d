#pragma once
// The doctor's judgement: facts and a configuration in, findings out. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "controller/admin/doctor/facts.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::admin::doctor {

enum class Grade : std::uint8_t {
  Ok,
  Unknown,  ///< could not be looked at
  Warning,  ///< works, and something will be worse for it
  Problem,  ///< something of ours does not work so
};
[[nodiscard]] std::string_view to_string(Grade g);  ///< "ok", "unknown", "warning", "problem"

struct Finding {
  Grade grade = Grade::Ok;
  std::string check;   ///< "rp_filter": stable, for programs
  std::string about;   ///< "wan0"; empty for the host
  std::string found;   ///< a clause: what there is
  std::string why;     ///< a clause: what it means for us; empty when all is well
  std::string remedy;  ///< a command, or a file and what is to stand in it; empty when all is well
};

/// Every check, in the order of a person's reading: kernel, settings, circuits, other people's routes, the programs, the host.
[[nodiscard]] std::vector<Finding> judge(const model::Site& site, const Facts& facts);

/// The worst grade of all; Ok of none.
[[nodiscard]] Grade worst(const std::vector<Finding>& findings);

}  // namespace linekeeper::admin::doctor
