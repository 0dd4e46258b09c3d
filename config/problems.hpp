#pragma once
// Where mistakes are gathered while the file is read: nothing stops at the first one.
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.hpp"

namespace linekeeper::config {

/// A place in the file, from 1; line 0: the file as a whole.
struct Place {
  int line = 0, column = 0;
};

class Problems {
 public:
  explicit Problems(std::string_view text);  ///< must outlive this object

  void add(Place at, std::string key, std::string what, std::string remedy);
  [[nodiscard]] bool none() const { return found_.empty(); }
  [[nodiscard]] bool mention(std::string_view start) const;  ///< some problem's key begins so

  /// All of them in the order of the file, at most kMaxProblems, then one line that counts the rest.
  [[nodiscard]] std::vector<Problem> take();

 private:
  [[nodiscard]] std::string line_text(int line) const;

  std::string_view text_;
  std::vector<std::size_t> line_starts_;
  std::vector<Problem> found_;  // in the order of the file, and of finding
  std::size_t dropped_ = 0;
};

}  // namespace linekeeper::config
