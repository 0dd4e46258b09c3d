#pragma once
// Sockets of OptionsAnswer: one at each circuit, bound to its device, so that it is known by which circuit a carrier came, and the answer
// leaves by the same. Opened again after a while where that is not possible.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "carriers/answering/options_answer.hpp"

namespace linekeeper::answering {

class AnsweringSockets {
 public:
  /// @param drained  asked for each request
  AnsweringSockets(boost::asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, std::function<bool(model::CircuitId)> drained);
  ~AnsweringSockets();
  AnsweringSockets(const AnsweringSockets&) = delete;
  AnsweringSockets& operator=(const AnsweringSockets&) = delete;

  void start();
  void stop();
  /// Its interface or address is another: a socket bound to what was before hears nothing.
  void rebuild(model::CircuitId circuit);
  [[nodiscard]] const OptionsAnswer& answers() const;
  /// Why some circuit is not listened at, a clause; empty: all are.
  [[nodiscard]] std::string problem() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::answering
