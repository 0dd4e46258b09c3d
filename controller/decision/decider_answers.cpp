// What answers to OPTIONS say beyond life and death: told, shown and remembered. Nothing here chooses a way.
#include <fmt/format.h>

#include "controller/decision/decider.hpp"
#include "controller/decision/kept_text.hpp"

namespace linekeeper::decision {

using model::EventId;
using model::Instant;

void Decider::note_answer(model::SipOutcome& outcome, Instant now) {
  if (outcome.result != model::SipResult::Final) return;
  const std::size_t i = outcome.carrier.index() * circuits_.size() + outcome.circuit.index();
  PathAnswers& known = answers_.at(i);
  const model::Circuit& circuit = (*site_)[outcome.circuit];
  const std::string& carrier = (*site_)[outcome.carrier].name;
  const auto& link = circuits_[outcome.circuit.index()].link();
  const std::string subject = "carrier " + carrier;
  const auto fields = [&] {
    return std::vector<std::pair<std::string, std::string>>{{"circuit", circuit.name}, {"code", std::to_string(outcome.code)}};
  };

  switch (known.authorisation.on(outcome, link ? link->address : std::nullopt)) {
    case Authorisation::News::None: break;
    case Authorisation::News::CredentialsRefused:
      tell(EventId::CarrierUnauthorised, subject,
           fmt::format("{} refuses our credentials through {} ({}): see its auth in the configuration.", carrier, circuit.name, outcome.code), now,
           fields());
      break;
    case Authorisation::News::ForbiddenSinceChange:
      tell(EventId::CarrierUnauthorised, subject,
           fmt::format("{} forbids us (403) through {} since our address there is another: it takes no calls from it.", carrier, circuit.name), now,
           fields());
      break;
    case Authorisation::News::Authorised:
      tell(EventId::CarrierAuthorised, subject, fmt::format("{} knows us again through {}.", carrier, circuit.name), now, fields());
      break;
  }
  if (known.authorisation.sees(outcome, circuit.expect_public))
    tell(EventId::CarrierSeesOther, subject,
         fmt::format("{} sees us come from {} through {}, not from {}.", carrier, outcome.received_address->to_string(), circuit.name,
                     circuit.expect_public->to_string()),
         now, {{"circuit", circuit.name}, {"seen", outcome.received_address->to_string()}});

  if (outcome.authorisation == model::SipAuthorisation::Challenged) return;
  const int usual = known.baseline.usual();
  if (!known.baseline.on(outcome.code, outcome.reply)) return;
  tell(EventId::CarrierCodeChanged, subject,
       fmt::format("{} answers OPTIONS through {} with {}, not with {} as usual.", carrier, circuit.name, outcome.code, usual), now,
       {{"circuit", circuit.name}, {"code", std::to_string(outcome.code)}, {"before", std::to_string(usual)}});
}

namespace {
constexpr std::string_view kMark = "\tanswers";
}

std::string Decider::answers_memory(model::CircuitId circuit) const {
  std::string out(kMark);
  for (std::size_t k = 0; k < site_->carriers.size(); ++k)
    if (const std::string text = answers_[k * circuits_.size() + circuit.index()].to_text(); text != ";")
      out += fmt::format(" {}={}", site_->carriers[k].name, text);
  return out;
}

bool Decider::recall_answers(model::CircuitId circuit, std::string_view& text) {
  const std::size_t mark = text.rfind(kMark);
  if (mark == std::string_view::npos) return true;  // written by an older release
  const auto kept = kept_by_carrier(text.substr(mark + kMark.size()));
  if (!kept) return false;
  std::vector<std::pair<std::size_t, PathAnswers>> read;
  for (const auto& [carrier, one] : *kept) {
    PathAnswers answers;
    if (!answers.recall(one)) return false;
    for (std::size_t k = 0; k < site_->carriers.size(); ++k)  // a carrier that is configured no more is forgotten
      if (site_->carriers[k].name == carrier) read.emplace_back(k * circuits_.size() + circuit.index(), answers);
  }
  for (const auto& [at, answers] : read) answers_[at] = answers;
  text = text.substr(0, mark);
  return true;
}

}  // namespace linekeeper::decision
