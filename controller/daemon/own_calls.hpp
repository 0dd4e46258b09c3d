#pragma once
// What we do at carriers beside OPTIONS: test calls (when somebody asks, when the judge does, and now and then), registrations, and answers to
// their own OPTIONS. Judges nothing: what became of a test call is told to the judge as the outcome of a call, with `trial`.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "carriers/answering/answering_socket.hpp"
#include "carriers/registration/registrar_client.hpp"
#include "carriers/trial/trial_client.hpp"
#include "controller/model/event.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/status.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::daemon {

/// A test call is not made: why, and what to do.
struct CallRefused {
  std::string why, remedy;
};

inline constexpr std::chrono::seconds kBetweenCalls{10};  ///< two test calls by one carrier, whoever asks for them

class OwnCalls {
 public:
  struct Handlers {
    std::function<void(model::EventId id, std::string subject, std::string text, std::vector<std::pair<std::string, std::string>> fields)> tell;
    std::function<void(const model::Observation& outcome)> observe;
  };
  using Told = std::function<void(const model::TrialOutcome& outcome)>;

  OwnCalls(boost::asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, Handlers handlers);
  ~OwnCalls();
  OwnCalls(const OwnCalls&) = delete;
  OwnCalls& operator=(const OwnCalls&) = delete;

  void start();
  void stop();  ///< no handler is called after this returns. Registrations are left to run out; a call under way is forgotten
  void on_link(const model::LinkState& link);
  void every_second(const model::Status& status, model::Instant now);

  /// @param circuit  nothing: the first by which the carrier is reached
  /// @param told     once, later
  [[nodiscard]] std::optional<CallRefused> call(model::CarrierId carrier, std::optional<model::CircuitId> circuit, Told told);
  void fill(model::Status& status) const;

 private:
  struct Path {
    model::CarrierId carrier;
    model::CircuitId circuit;
    model::Instant next = model::kNever;  // scheduled
    std::optional<model::TrialOutcome> last;
    bool failed = false;  // told as failed
  };
  [[nodiscard]] Path* path(model::CarrierId carrier, model::CircuitId circuit);
  void begin(Path& path, Told told);
  /// Where the carrier is by this circuit: of several addresses the first that takes calls. Nothing: its name has no address yet.
  [[nodiscard]] std::optional<model::Endpoint> place(model::CarrierId carrier, model::CircuitId circuit) const;
  void follow_places(const model::Status& status);
  void ended(const model::TrialOutcome& outcome);
  void on_registration(const model::RegistrationStatus& status);
  [[nodiscard]] std::string name_of(model::CarrierId carrier, model::CircuitId circuit) const;

  boost::asio::any_io_executor executor_;
  model::SitePtr site_;
  runtime::SeededRandom random_;
  Handlers handlers_;
  std::vector<Path> paths_;             // of carriers with a test call, by circuits that reach them
  std::vector<model::Instant> called_;  // by carrier: when a test call was last begun
  struct Running {
    std::size_t path;
    std::unique_ptr<trial::TrialClient> client;
    Told told;
  };
  std::vector<Running> running_;
  std::vector<std::unique_ptr<registration::RegistrarClient>> registrars_;
  std::vector<bool> registered_;  // by registrar: told as made
  std::unique_ptr<answering::AnsweringSockets> answering_;
  std::map<std::pair<model::CarrierId, model::CircuitId>, model::Endpoint> places_;  // of carriers with several addresses
  std::vector<bool> drained_, down_;                                                 // by circuit
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(false);                      // shared with pending handlers
};

/// Circuits from which people have led calls away by an order of theirs: a class that carries calls is forced to another one.
[[nodiscard]] std::vector<bool> drained_circuits(const model::Status& status);

}  // namespace linekeeper::daemon
