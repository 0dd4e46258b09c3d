#include "controller/decision/quality.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace linekeeper::decision {

using model::Duration;
using std::chrono::milliseconds;

namespace {

// G.107: R of a connection with every parameter at its default, before delay and equipment.
constexpr double kDefaultR = 93.2;
// G.107 section 7.4, absolute delay: none is noticed up to 100 ms; it costs at most 50 when it grows without bound.
constexpr double kUnnoticedDelayMs = 100.0;
constexpr double kDelayWeight = 25.0;
// G.107 section 7.5: the part of R that loss can take beside the codec's own share, and where the model stops to hold for bursts.
constexpr double kEquipmentRange = 95.0;
constexpr double kBurstRatioMin = 1.0, kBurstRatioMax = 2.0;
// To leave a line: with 2.6 deviations one that loses 5 %, the limit itself, for two minutes was left for it once in some forty times.
constexpr double kToLeave = 3.1;
constexpr double kToRefuse = 2.6;
// G.107 Annex B. Below 6.5 the polynomial dips under 1, which no listener can say.
constexpr double kRMax = 100.0, kRWithoutVoice = 6.5, kMosMin = 1.0, kMosMax = 4.5;

constexpr Duration kPacketisation = milliseconds(20);
constexpr Duration kBufferMin = milliseconds(40);
// The buffer is to hold all but the latest hundredth of the packets: p99 of the delay above its minimum. Jitter here is the mean
// difference of successive transits J, and queueing delay is near exponential: its mean is then J, and its p99 is ln(100) J.
// Probes measure the jitter of both directions together, so this errs on the side of the longer buffer.
constexpr double kLateAtMost = 0.01;
constexpr double kBufferPerJitter = 4.605170185988091;  // ln(1 / kLateAtMost)
// No line of this world; it keeps the arithmetic finite.
constexpr Duration kDelayMax = std::chrono::seconds(10);

struct CodecFigures {
  double ie;            ///< equipment impairment without loss
  double bpl;           ///< packet-loss robustness
  Duration look_ahead;  ///< what the coder waits for beyond its own packet
};

/// Ie and Bpl of G.711 (without and with the concealment of its Appendix I) and of G.729A: G.113 Appendix I, planning values for random
/// loss. Opus has none there that we know of: Bpl 20 is our assumption, between G.729A's and G.711's with concealment, and its wider band
/// is credited with nothing. Look-ahead: 5 ms (G.729 section 2); 6.5 ms in the Opus reference encoder (RFC 6716), rounded up.
constexpr CodecFigures figures(Codec codec) {
  switch (codec) {
    case Codec::G711: return {.ie = 0, .bpl = 25.1, .look_ahead = milliseconds(0)};
    case Codec::G711NoPlc: return {.ie = 0, .bpl = 4.3, .look_ahead = milliseconds(0)};
    case Codec::G729A: return {.ie = 11, .bpl = 19, .look_ahead = milliseconds(5)};
    case Codec::Opus: return {.ie = 0, .bpl = 20, .look_ahead = milliseconds(7)};
    case Codec::None: return figures(Codec::G711);  // a class without voice is shown what voice would get
  }
  return {};
}

/// Within [least, most]; what is not a number counts as the most, which is the worst for every input here.
double bounded(double value, double least, double most) { return value < most ? std::max(value, least) : most; }
Duration bounded(Duration value) { return std::clamp(value, Duration::zero(), kDelayMax); }

double ms(Duration d) { return model::seconds(d) * 1000.0; }

Duration jitter_buffer(Duration jitter) {
  const std::chrono::duration<double, std::nano> wanted = kBufferPerJitter * bounded(jitter);
  return std::max(kBufferMin, std::chrono::duration_cast<Duration>(wanted));
}

/// Share of the packets that come too late for that buffer, by the same exponential; at most kLateAtMost.
double late_ratio(Duration jitter) {
  const Duration j = bounded(jitter);
  return j > Duration::zero() ? std::min(kLateAtMost, std::exp(-ms(jitter_buffer(j)) / ms(j))) : 0.0;
}

}  // namespace

double burst_ratio(int lost, int runs, int decided) {
  if (lost <= 0 || runs <= 0 || lost >= decided) return kBurstRatioMin;
  const double mean_run = static_cast<double>(lost) / runs;
  const double mean_run_by_chance = 1.0 / (1.0 - static_cast<double>(lost) / decided);
  return bounded(mean_run / mean_run_by_chance, kBurstRatioMin, kBurstRatioMax);
}

Duration mouth_to_ear(const LineFigures& line, Codec codec) {
  return bounded(line.one_way) + kPacketisation + jitter_buffer(line.jitter) + figures(codec).look_ahead;
}

double delay_impairment(Duration delay) {
  if (ms(delay) <= kUnnoticedDelayMs) return 0;
  const double x = std::log2(ms(delay) / kUnnoticedDelayMs);
  const auto bend = [](double y) { return std::pow(1.0 + std::pow(y, 6.0), 1.0 / 6.0); };
  return kDelayWeight * (bend(x) - 3.0 * bend(x / 3.0) + 2.0);
}

double loss_impairment(double lost_ratio, double burst, Codec codec) {
  const CodecFigures c = figures(codec);
  const double percent = 100.0 * bounded(lost_ratio, 0.0, 1.0);
  return c.ie + (kEquipmentRange - c.ie) * percent / (percent / bounded(burst, kBurstRatioMin, kBurstRatioMax) + c.bpl);
}

double mean_opinion_score(double r_factor) {
  if (!(r_factor > kRWithoutVoice)) return kMosMin;
  const double r = std::min(r_factor, kRMax);
  return std::clamp(1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r), kMosMin, kMosMax);
}

VoiceQuality voice_quality(const LineFigures& line, Codec codec) {
  const double lost = bounded(line.loss_ratio, 0.0, 1.0);
  const double lost_or_late = lost + (1.0 - lost) * late_ratio(line.jitter);
  const double r = kDefaultR - delay_impairment(mouth_to_ear(line, codec)) - loss_impairment(lost_or_late, line.burst_ratio, codec);
  const double r_factor = std::clamp(r, 0.0, kRMax);
  return {.r_factor = r_factor, .mos = mean_opinion_score(r_factor)};
}

std::optional<VoiceQuality> voice_quality(const model::Figures& figures, Codec codec) {
  if (!figures.rtt || figures.samples <= 0 || !(figures.loss_ratio < 1)) return std::nullopt;
  return voice_quality({.loss_ratio = figures.loss_ratio,
                        .burst_ratio = figures.burst_ratio,
                        .one_way = *figures.rtt / 2,
                        .jitter = figures.jitter.value_or(Duration::zero())},
                       codec);
}

double certain_loss(const model::Figures& figures, double deviations) {
  if (figures.samples <= 0) return 0;
  const double p = bounded(figures.loss_ratio, 0.0, 1.0);
  const double deviation = std::sqrt(p * (1 - p) * std::max(figures.burst_ratio, 1.0) / figures.samples);
  return std::max(0.0, p - deviations * deviation);
}

double present_loss(const model::Figures& figures) { return std::min(figures.loss_ratio, figures.recent_loss.value_or(1)); }

namespace {

struct Bounds {
  double loss;
  Duration rtt;
  double r;
};
Bounds enter(const model::QualityLimits& limits) { return {limits.loss_enter, limits.rtt_enter, limits.r_enter}; }
Bounds leave(const model::QualityLimits& limits) { return {limits.loss_exit, limits.rtt_exit, limits.r_exit}; }

/// The figures with no more loss than is certain, nor than there still is: chance must not be the reason, nor what is over. A line that
/// loses 5 % as it always does loses 9 of some hundred probes now and then.
model::Figures certain(model::Figures figures, double deviations) {
  figures.loss_ratio = std::min(certain_loss(figures, deviations), present_loss(figures));
  return figures;
}

/// @param shown  the loss that is told of
bool crosses(const model::Figures& judged, double shown, const Bounds& bounds, Codec codec, std::string* which) {
  if (judged.loss_ratio > bounds.loss) {
    if (which) *which = fmt::format("loss {:.1f} % above {:.1f} %", shown * 100, bounds.loss * 100);
    return true;
  }
  if (judged.rtt && *judged.rtt > bounds.rtt) {
    if (which) *which = fmt::format("round trip {:.4g} ms above {:.0f} ms", ms(*judged.rtt), ms(bounds.rtt));
    return true;
  }
  if (codec == Codec::None) return false;
  const auto voice = voice_quality(judged, codec);
  if (!voice || voice->r_factor >= bounds.r) return false;
  if (which) *which = fmt::format("R {:.1f} below {:.1f}", voice->r_factor, bounds.r);
  return true;
}

}  // namespace

bool beyond(bool was_beyond, const model::Figures& figures, const model::QualityLimits& limits, Codec codec, std::string* which) {
  if (which) which->clear();
  if (figures.samples <= 0) return was_beyond;
  return was_beyond ? crosses(figures, figures.loss_ratio, leave(limits), codec, which)
                    : crosses(certain(figures, kToLeave), figures.loss_ratio, enter(limits), codec, which);
}

bool surely_beyond(const model::Figures& figures, const model::QualityLimits& limits, Codec codec) {
  return figures.samples <= 0 || crosses(certain(figures, kToRefuse), figures.loss_ratio, leave(limits), codec, nullptr);
}

}  // namespace linekeeper::decision
