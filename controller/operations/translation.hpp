#pragma once
// A recorded input in the words of another configuration: positions become names, and names the positions they have there. What it does not have is
// left out, and said. Pure.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/journal/observation_codec.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::operations {

class Translation {
 public:
  /// @param site  outlives this
  Translation(const journal::BlockNames& names, const model::Site& site);

  /// @return nothing: it is about what the site does not have
  [[nodiscard]] std::optional<journal::Input> of(const journal::Input& input) const;

  /// "circuit lte", "target beta on fiber": recorded, and not in the site.
  [[nodiscard]] const std::set<std::string>& left_out() const { return left_out_; }
  /// In the site, and never recorded.
  [[nodiscard]] const std::set<std::string>& unheard_of() const { return unheard_of_; }
  /// Trunks of the site that nobody recorded: what stands for them cannot be adopted from the recording.
  [[nodiscard]] const std::vector<model::TrunkId>& new_trunks() const { return new_trunks_; }

 private:
  friend struct Translator;
  const model::Site* site_;
  std::set<std::string> left_out_, unheard_of_;  // first: what follows fills them
  std::vector<std::optional<model::CircuitId>> circuits_;
  std::vector<std::optional<model::TargetId>> targets_;
  std::vector<std::optional<model::CarrierId>> carriers_;
  std::vector<std::optional<model::ClassId>> classes_;
  std::vector<std::optional<model::TrunkId>> trunks_;
  std::vector<std::vector<bool>> measured_;  // by the site's circuit and target: is it one of the circuit's own
  std::vector<model::TrunkId> new_trunks_;
};

}  // namespace linekeeper::operations
