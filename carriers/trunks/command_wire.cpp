#include "carriers/trunks/command_wire.hpp"

#include <boost/json.hpp>
#include <cerrno>
#include <utility>

#include "carriers/trunks/program_run.hpp"

namespace linekeeper::trunks {
namespace {

namespace json = boost::json;
using model::Error;
using model::Result;

Error nonsense(std::string what) {
  return {std::move(what), R"(It must answer {"done":true} to "set" and {"order":[...],"lease_s":N} to "get": see carriers/trunks/command/README.md)",
          EPROTO};
}

Result<json::object> read_answer(std::string_view text) {
  boost::system::error_code wrong;
  const auto value = json::parse(json::string_view(text.data(), text.size()), wrong, {}, json::parse_options{.max_depth = 8});
  if (wrong || !value.is_object()) return std::unexpected(nonsense("the program's answer is no JSON object"));
  const json::object& answer = value.as_object();
  if (const auto* error = answer.if_contains("error"); error != nullptr && error->is_string()) {
    const auto* remedy = answer.if_contains("remedy");
    return std::unexpected(Error{"the program says: " + std::string(error->as_string()).substr(0, 300),
                                 remedy != nullptr && remedy->is_string() ? std::string(remedy->as_string()).substr(0, 300) : std::string(), EPROTO});
  }
  return answer;
}

class CommandWire final : public Wire {
 public:
  CommandWire(const boost::asio::any_io_executor& executor, model::Pbx pbx) : executor_(executor), pbx_(std::move(pbx)) {}

  [[nodiscard]] std::optional<Error> refuses(const Order&) const override { return std::nullopt; }

  void write(const std::string& key, const Order& order, model::Duration lease, OnWritten on_written) override {
    json::array ways;
    for (const std::string& way : order) ways.emplace_back(way);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lease).count();
    run({{"version", 1}, {"do", "set"}, {"pbx", pbx_.name}, {"key", key}, {"order", std::move(ways)}, {"lease_s", seconds}},
        [on_written = std::move(on_written)](const Result<std::string>& said) {
          if (!said) return on_written(std::unexpected(said.error()));
          const auto answer = read_answer(*said);
          if (!answer) return on_written(std::unexpected(answer.error()));
          const auto* done = answer->if_contains("done");
          if (done == nullptr || !done->is_bool() || !done->as_bool())
            return on_written(std::unexpected(nonsense("the program does not say that it is done")));
          on_written({});
        });
  }

  void read(const std::string& key, OnStanding on_standing) override {
    run({{"version", 1}, {"do", "get"}, {"pbx", pbx_.name}, {"key", key}}, [on_standing = std::move(on_standing)](const Result<std::string>& said) {
      if (!said) return on_standing(std::unexpected(said.error()));
      on_standing(parse_command_answer(*said));
    });
  }

  void stop() override { run_.reset(); }
  [[nodiscard]] std::string where(const std::string& key) const override { return "order " + key + " of PBX " + pbx_.name; }
  [[nodiscard]] std::string endless_remedy() const override { return "Have the program keep the lease, and say in lease_s what is left of it"; }
  [[nodiscard]] std::string rival_remedy() const override { return "see what " + pbx_.command.front() + " reads and writes"; }

 private:
  void run(json::object question, ProgramRun::Done done) {
    run_ = run_program(executor_, pbx_.command, json::serialize(question) + "\n", pbx_.reply_timeout, std::move(done));
  }

  boost::asio::any_io_executor executor_;
  const model::Pbx pbx_;
  std::unique_ptr<ProgramRun> run_;
};

}  // namespace

Result<std::optional<Wire::Standing>> parse_command_answer(std::string_view text) {
  const auto answer = read_answer(text);
  if (!answer) return std::unexpected(answer.error());
  const auto* order = answer->if_contains("order");
  if (order == nullptr || (!order->is_null() && !order->is_array())) return std::unexpected(nonsense("the program's answer has no order"));
  if (order->is_null()) return std::nullopt;
  Wire::Standing standing{.order = {}, .leased = false, .shown = json::serialize(*order).substr(0, 300)};
  for (const json::value& way : order->as_array()) {
    if (!way.is_string() || standing.order.size() == kMostWays) return std::unexpected(nonsense("the program's order is no list of names"));
    standing.order.emplace_back(way.as_string());
  }
  const auto* left = answer->if_contains("lease_s");
  standing.leased = left != nullptr && left->is_number() && left->to_number<double>() > 0;
  return standing;
}

std::unique_ptr<Wire> make_command_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx) {
  return std::make_unique<CommandWire>(executor, pbx);
}

}  // namespace linekeeper::trunks
