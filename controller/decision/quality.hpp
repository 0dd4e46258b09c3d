#pragma once
// How a call over this line would sound: the E-model's R factor and the mean opinion score made of it, from what the probes saw.
//
//   ITU-T G.107 (E-model): R = 93.2 - Id - Ie,eff with its default values; Annex B: MOS from R; 7.4: Id; 7.5: Ie,eff and BurstR.
//   ITU-T G.113 Appendix I: equipment impairment Ie and packet-loss robustness Bpl of each codec.
//   RFC 3550 section 6.4.1: the jitter that comes in (mean deviation of successive transit times).
//
// It is an estimate of the line alone: echo, noise and loudness stand at their defaults, and no call is listened to. Pure, total
// and bounded: what is out of range is taken as the nearest value that is not, so every input gives a figure, and a worse input
// never a better one.
#include <cstdint>
#include <optional>
#include <string>

#include "controller/model/site.hpp"
#include "controller/model/status.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::decision {

using model::Codec;

/// What the line does to a call.
struct LineFigures {
  double loss_ratio = 0;      ///< share of packets lost, 0 to 1
  double burst_ratio = 1;     ///< 1: losses are independent; more: they come in runs (see burst_ratio())
  model::Duration one_way{};  ///< of the network; half the round trip where nothing better is known
  model::Duration jitter{};   ///< RFC 3550 section 6.4.1
};

struct VoiceQuality {
  double r_factor = 0;  ///< 0 (useless) to 93.2 (a clean line)
  double mos = 1;       ///< mean opinion score of listeners, 1 (bad) to 4.5 (as good as it gets); a clean line has 4.4
};

[[nodiscard]] VoiceQuality voice_quality(const LineFigures& line, Codec codec = Codec::G711);

/// Of a circuit's figures: half the round trip for each direction, as echoes cannot tell them apart.
/// @return nothing while no probe was answered
[[nodiscard]] std::optional<VoiceQuality> voice_quality(const model::Figures& figures, Codec codec);

/// Whether figures are beyond the limits of a class, with distinct values to enter and to leave: beyond once one figure crosses its
/// `enter`, within again once all are within their `exit`. A figure that equals a limit has not crossed it. R only for a codec.
/// Figures of no probe at all change nothing. To enter, loss counts as far as it is certain (certain_loss), for R too.
/// @param which when given: a clause naming the figure and the limit it is measured against ("loss 12.0 % above 5.0 %"); empty if within
[[nodiscard]] bool beyond(bool was_beyond, const model::Figures& figures, const model::QualityLimits& limits, Codec codec,
                          std::string* which = nullptr);

/// Whether a line that a class may be sent to is beyond an `exit`, by more than chance and not only until a while ago: loss counts as far
/// as it is certain, for R too. One loss among few probes refuses nobody. A line that no probe was decided of is beyond.
[[nodiscard]] bool surely_beyond(const model::Figures& figures, const model::QualityLimits& limits, Codec codec);

/// Loss as it is now: what was lost a while ago and has ended shows in the ratio of all samples for as long as they last.
[[nodiscard]] double present_loss(const model::Figures& figures);

/// How much is lost at the least, were the line as it was while these probes were sent: so many standard deviations of the binomial
/// below the ratio, with bursts counting as fewer probes. To leave a line it takes 3.1 (by chance once in a thousand windows), to refuse
/// to go to one 2.6 (once in two hundred).
[[nodiscard]] double certain_loss(const model::Figures& figures, double deviations);

/// BurstR (G.107 section 7.5): the mean run of losses against the mean run that the same loss would make by chance, within [1, 2].
/// @param runs     maximal runs of losses among the `decided` packets in the order they were sent
/// @return 1 where nothing, or everything, was lost: that says nothing about runs
[[nodiscard]] double burst_ratio(int lost, int runs, int decided);

/// Mouth to ear: the network, one packet (20 ms), the codec's look-ahead, and the jitter buffer that such jitter asks for.
[[nodiscard]] model::Duration mouth_to_ear(const LineFigures& line, Codec codec);
/// Id: what the delay from mouth to ear takes from R; nothing up to 100 ms.
[[nodiscard]] double delay_impairment(model::Duration delay);
/// Ie,eff: what codec and loss (late packets included) take from R.
[[nodiscard]] double loss_impairment(double lost_ratio, double burst, Codec codec);
/// MOS of an R factor (G.107 Annex B), 1 to 4.5.
[[nodiscard]] double mean_opinion_score(double r_factor);

}  // namespace linekeeper::decision
