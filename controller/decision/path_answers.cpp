#include "controller/decision/path_answers.hpp"

namespace linekeeper::decision {

using model::Cause;
using model::Health;
using model::Layer;

namespace {

Layer reachable(const model::Verdict& v) {
  switch (v.health) {
    case Health::Up:
    case Health::Degraded: return Layer::Yes;
    case Health::Unknown: return Layer::Unknown;
    case Health::Down: break;
  }
  if (v.cause == Cause::CircuitDown) return Layer::Unknown;  // it cannot be asked
  return v.cause == Cause::SipTimeout || v.cause == Cause::SipRefused ? Layer::No : Layer::Yes;
}

/// As far as OPTIONS can tell: 2xx is willing, "busy" takes calls at other times, 404 and the like speak of OPTIONS alone.
Layer takes_calls(const model::PathStatus& p) {
  if (p.reachable != Layer::Yes) return p.reachable;
  if (p.authorised == Layer::No || p.verdict.health == Health::Down) return Layer::No;
  const int code = p.last_code;
  const bool willing = (code >= 200 && code < 300) || code == 480 || code == 486 || code == 600 || code == 603;
  return p.verdict.health == Health::Up && willing ? Layer::Yes : Layer::Unknown;
}

}  // namespace

void PathAnswers::fill(model::PathStatus& path) const {
  path.reachable = reachable(path.verdict);
  path.authorised = authorisation.layer();
  path.takes_calls = takes_calls(path);
  path.usual_code = baseline.usual();
  path.credentials_refused = authorisation.credentials_refused();
  path.forbidden_since_change = authorisation.forbidden_since_change();
  path.seen_from = authorisation.seen_from();
  path.seen_from_elsewhere = authorisation.from_elsewhere();
}

std::string PathAnswers::to_text() const { return baseline.to_text() + ";" + authorisation.to_text(); }

bool PathAnswers::recall(std::string_view text) {
  const auto split = text.find(';');
  if (split == std::string_view::npos) return false;
  PathAnswers read;
  if (!read.baseline.recall(text.substr(0, split)) || !read.authorisation.recall(text.substr(split + 1))) return false;
  *this = read;
  return true;
}

}  // namespace linekeeper::decision
