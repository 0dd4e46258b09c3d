#include "config/problems.hpp"

#include <algorithm>

#include "config/values.hpp"

namespace linekeeper::config {

Problems::Problems(std::string_view text) : text_(text) {
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
}

std::string Problems::line_text(int line) const {
  if (line < 1 || static_cast<std::size_t>(line) > line_starts_.size()) return {};
  std::string_view rest = text_.substr(line_starts_[static_cast<std::size_t>(line) - 1]);
  rest = rest.substr(0, rest.find_first_of("\r\n"));
  const auto first = rest.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  rest.remove_prefix(first);
  rest = rest.substr(0, rest.find_last_not_of(" \t") + 1);
  return clean(rest, 120);
}

void Problems::add(Place at, std::string key, std::string what, std::string remedy) {
  if (found_.size() >= kMaxProblems) {
    ++dropped_;
    return;
  }
  const auto behind =
      std::ranges::upper_bound(found_, std::pair(at.line, at.column), {}, [](const Problem& p) { return std::pair(p.line, p.column); });
  found_.insert(behind, {at.line, at.column, std::move(key), line_text(at.line), std::move(what), std::move(remedy)});
}

bool Problems::mention(std::string_view start) const {
  return dropped_ != 0 || std::ranges::any_of(found_, [&](const Problem& p) { return p.key.starts_with(start); });
}

std::vector<Problem> Problems::take() {
  if (dropped_ != 0) {
    found_.push_back({0, 0, "", "", std::to_string(dropped_) + " more mistakes are not listed", "mend these first, then check again"});
  }
  return std::move(found_);
}

}  // namespace linekeeper::config
