// The picture: for each background (columns) and fault (rows) what a second of detection costs in false alarms. A rule with a threshold to
// choose is a curve; what is shipped is a dot on it; ours is a point for each budget, with the interval its measured rate lies in. Lower and
// further left is better.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "tests/sim/frontier/report.hpp"

namespace linekeeper::sim::frontier {

namespace {

using Out = std::back_insert_iterator<std::string>;

struct Style {
  std::string_view peer, label, colour, dash;
};
// Colours that stay apart for most who see few of them (after Okabe and Ito 2008, darkened for a light ground); dashes for everybody else.
constexpr Style kStyles[] = {
    {"K in a row", "K losses in a row, 5/s", "#0072b2", ""},
    {"n of 20", "n of the last 20, 5/s", "#4a9ec9", "5 3"},
    {"window 10 s", "loss over 10 s, 5/s", "#009e73", ""},
    {"window 60 s", "loss over 60 s, 5/s", "#4fae8f", "5 3"},
    {"BFD 300 ms", "BFD 300 ms (shipped: x 3)", "#8a5a00", ""},
    {"BFD 50 ms", "BFD 50 ms (x 3)", "#c98a1b", "5 3"},
    {"dpinger, pfSense defaults", "dpinger 500 ms/60 s (20 %)", "#a2497a", ""},
    {"dpinger, fast", "dpinger 100 ms/2 s (30 %)", "#cc79a7", "5 3"},
    {"mwan3, shipped", "mwan3 shipped (down 5)", "#555555", ""},
    {"mwan3, fastest", "mwan3 fastest (down 3)", "#888888", "5 3"},
    {"keepalived", "keepalived 1 s (fall 3)", "#5b4ba0", ""},
};
constexpr std::string_view kOurs = "#c8102e";

constexpr double kPanelWidth = 310, kPanelHeight = 250, kLeft = 66, kTop = 74, kGapX = 38, kGapY = 58;
constexpr double kRateLow = 0.01, kRateHigh = 2e6, kTimeLow = 0.05, kTimeHigh = 1200;
constexpr std::size_t kColumns[] = {kLossy, kBursty, kFiber};
constexpr std::size_t kRows[] = {kBlackHole, kLoss20};

struct Panel {
  double x0, y0;
  [[nodiscard]] double x(double rate) const {
    return x0 + kPanelWidth * std::log10(std::clamp(rate, kRateLow, kRateHigh) / kRateLow) / std::log10(kRateHigh / kRateLow);
  }
  [[nodiscard]] double y(double seconds) const {
    return y0 + kPanelHeight * (1 - std::log10(std::clamp(seconds, kTimeLow, kTimeHigh) / kTimeLow) / std::log10(kTimeHigh / kTimeLow));
  }
};

void text(Out out, double x, double y, std::string_view anchor, std::string_view extra, std::string_view words) {
  fmt::format_to(out, "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}{}>{}</text>\n", x, y, anchor, extra.empty() ? "" : " ", extra, words);
}

void level_line(Out out, double x1, double x2, double y, std::string_view colour, double width, const std::string& more = {}) {
  fmt::format_to(out, "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\" stroke-width=\"{4}\"{5}/>\n", x1, x2, y,
                 colour, width, more);
}

void axes(Out out, const Panel& p, bool leftmost, bool lowest) {
  fmt::format_to(out, "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" fill=\"#ffffff\" stroke=\"#b9bec6\"/>\n", p.x0, p.y0, kPanelWidth,
                 kPanelHeight);
  constexpr std::pair<double, std::string_view> kRates[] = {{0.01, "0.01"}, {0.1, "0.1"}, {1, "1"},      {12, "12"}, {100, "100"},
                                                            {1e3, "1k"},    {1e4, "10k"}, {1e5, "100k"}, {1e6, "1M"}};
  for (const auto& [rate, label] : kRates) {
    const bool budget = rate == 12;
    fmt::format_to(out, "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\"{4}/>\n", p.x(rate), p.y0,
                   p.y0 + kPanelHeight, budget ? "#c8102e" : "#e8eaee", budget ? " stroke-dasharray=\"2 3\" stroke-opacity=\".6\"" : "");
    if (lowest) text(out, p.x(rate), p.y0 + kPanelHeight + 16, "middle", "", label);
  }
  constexpr std::pair<double, std::string_view> kTimes[] = {{0.1, "0.1 s"}, {0.3, "0.3 s"}, {1, "1 s"},     {3, "3 s"},      {10, "10 s"},
                                                            {30, "30 s"},   {100, "100 s"}, {300, "5 min"}, {1200, "20 min"}};
  for (const auto& [seconds, label] : kTimes) {
    level_line(out, p.x0, p.x0 + kPanelWidth, p.y(seconds), "#e8eaee", 1);
    if (leftmost) text(out, p.x0 - 7, p.y(seconds) + 4, "end", "", label);
  }
}

void dot(Out out, double x, double y, std::string_view colour, bool seen) {
  fmt::format_to(out, "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" fill=\"{}\" stroke=\"{}\" stroke-width=\"1.6\"/>\n", x, y,
                 seen ? colour : "#ffffff", colour);
}

void curve(Out out, const Panel& p, const Style& style, const Peer& peer, const PeerResult& r, std::size_t fault) {
  std::string points;
  int drawn = 0;
  for (int threshold = 1; threshold <= r.enough; ++threshold) {
    const Rate rate = r.rate(threshold);
    const auto& time = r.at(fault, threshold).p50;
    // A level that is hardly ever left has few episodes too: that end of the scale is no choice of a threshold.
    if (rate.events == 0 || rate.per_year() > kRateHigh || !time || *time < kTimeLow ||
        (threshold < r.alarms.highest() && rate.events < r.alarms.episodes(threshold + 1)))
      continue;
    fmt::format_to(Out(points), "{:.1f},{:.1f} ", p.x(rate.per_year()), p.y(*time));
    ++drawn;
  }
  const std::string dashes = style.dash.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", style.dash);
  if (drawn > 1) fmt::format_to(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\"{}/>\n", points, style.colour, dashes);
  if (peer.shipped == 0 || peer.shipped > r.enough) return;
  const Rate rate = r.rate(peer.shipped);
  const auto& time = r.at(fault, peer.shipped).p50;
  if (time) dot(out, p.x(rate.events > 0 ? rate.per_year() : rate.high()), p.y(*time), style.colour, rate.events > 0);
}

void ours(Out out, const Panel& p, const std::vector<OursResult>& results, std::size_t fault) {
  for (const OursResult& r : results) {
    const auto& time = r.found[fault].p50;
    if (!time) continue;
    const Rate rate = r.alarms();
    const double x = p.x(rate.events > 0 ? rate.per_year() : rate.high()), y = p.y(*time);
    level_line(out, p.x(rate.low()), p.x(rate.high()), y, kOurs, 1.4);
    fmt::format_to(out, "<path d=\"M{0:.1f} {1:.1f}l6 6l-6 6l-6 -6z\" fill=\"{2}\" stroke=\"{3}\" stroke-width=\"1.6\"/>\n", x, y - 6,
                   rate.events > 0 ? kOurs : "#ffffff", kOurs);
  }
}

void legend(Out out, double y) {
  constexpr double kColumnWidth = 250;
  const auto place = [&](std::size_t i) {
    const std::size_t row = i / 4, column = i % 4;
    return std::pair{kLeft + kColumnWidth * static_cast<double>(column), y + 22 * static_cast<double>(row)};
  };
  const auto [x0, y0] = place(0);
  fmt::format_to(out, "<path d=\"M{:.1f} {:.1f}l6 6l-6 6l-6 -6z\" fill=\"{}\"/>\n", x0 + 13, y0 - 10, kOurs);
  text(out, x0 + 32, y0, "start", "font-weight=\"bold\"", "Linekeeper: budgets 1, 12, 120");
  for (std::size_t i = 0; i < std::size(kStyles); ++i) {
    const auto [x, at] = place(i + 1);
    const std::string dashes = kStyles[i].dash.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", kStyles[i].dash);
    level_line(out, x, x + 26, at - 4, kStyles[i].colour, 1.8, dashes);
    text(out, x + 32, at, "start", "", kStyles[i].label);
  }
}

}  // namespace

std::string chart(const Study& study) {
  constexpr double kWidth = kLeft + 3 * kPanelWidth + 2 * kGapX + 24, kLegend = kTop + 2 * kPanelHeight + kGapY + 62, kHeight = kLegend + 3 * 22 + 8;
  std::string svg;
  const Out out(svg);
  fmt::format_to(out,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
                 "font-family=\"system-ui, 'DejaVu Sans', Arial, sans-serif\" font-size=\"11.5\" fill=\"#2b3038\" role=\"img\">\n"
                 "<title>Detection rules compared: false alarms a year against the time to detect</title>\n"
                 "<rect width=\"100%\" height=\"100%\" fill=\"#fafbfc\"/>\n",
                 kWidth, kHeight);
  text(out, kLeft, 24, "start", "font-size=\"16\" font-weight=\"bold\"", "What a second of detection costs in false alarms");
  text(out, kLeft, 43, "start", "fill=\"#59606b\"",
       "Median time to detect. Dots: as shipped; hollow: none seen, drawn at the bound (95 %). Lower and further left is better.");
  for (std::size_t row = 0; row < std::size(kRows); ++row) {
    for (std::size_t column = 0; column < std::size(kColumns); ++column) {
      const Panel p{kLeft + static_cast<double>(column) * (kPanelWidth + kGapX), kTop + static_cast<double>(row) * (kPanelHeight + kGapY)};
      const std::size_t b = kColumns[column], f = kRows[row];
      axes(out, p, column == 0, true);
      text(out, p.x0, p.y0 - 8, "start", "font-weight=\"bold\"",
           fmt::format("{} on {}", f == kBlackHole ? "Black hole" : "+20 % loss", backgrounds()[b].name));
      for (const Style& style : kStyles) {
        const std::size_t peer = peer_named(style.peer);
        curve(out, p, style, peers()[peer], study.peers[b][peer], f);
      }
      ours(out, p, study.ours[b], f);
    }
  }
  text(out, kLeft + 1.5 * kPanelWidth + kGapX, kTop + 2 * kPanelHeight + kGapY + 34, "middle", "fill=\"#59606b\"",
       "false alarms a year of a circuit that lives (dotted: 12, the default budget)");
  legend(out, kLegend);
  fmt::format_to(out, "</svg>\n");
  return svg;
}

}  // namespace linekeeper::sim::frontier
