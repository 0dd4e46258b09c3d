#include "controller/telemetry/page_text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "controller/model/assert.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::telemetry::page {

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f ? out += "\xEF\xBF\xBD" : out += c;
    }
  }
  return out;
}

std::string_view sign(std::string_view state) {
  if (state == "ok" || state == "up") return "✓";
  if (state == "degraded" || state == "suspect") return "▲";
  if (state == "down") return "✕";
  return "?";
}

std::string state_mark(std::string_view state) {
  return fmt::format("<span class=\"state {}\">{} {}</span>", state, sign(state), state == "down" ? "DOWN" : state == "suspect" ? "SUSPECT" : state);
}

std::string severity_mark(model::Severity severity) {
  switch (severity) {
    case model::Severity::Alert: return "<span class=\"state down\">✕ alert</span>";
    case model::Severity::Warning: return "<span class=\"state degraded\">▲ warning</span>";
    case model::Severity::Notice: return "notice";
    case model::Severity::Info: return "<span class=\"sub\">info</span>";
  }
  return {};
}

std::string clock_time(model::WallTime t) {
  const std::string full = runtime::rfc3339(t);  // "2026-11-22T02:26:21.345Z"
  const std::string_view clock = full.size() >= 19 ? std::string_view(full).substr(11, 8) : std::string_view(full);
  return fmt::format("<time datetime=\"{}\">{}Z</time>", full, clock);
}

std::string milliseconds(std::optional<model::Duration> d) {
  if (!d) return "–";
  const double ms = model::seconds(*d) * 1000.0;
  return ms < 100 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

std::string loss(const model::Figures& figures) {
  return figures.samples > 0 ? fmt::format("{:.1f} %", figures.loss_ratio * 100.0) : std::string("–");
}

std::string mos(const model::Figures& figures) { return figures.mos ? fmt::format("{:.1f}", *figures.mos) : std::string("–"); }

namespace {
std::string_view css_class(Table::Column c) {
  switch (c) {
    case Table::Column::Plain: return "";
    case Table::Column::Number: return " class=\"num\"";
    case Table::Column::Long: return " class=\"long\"";
  }
  return "";
}
}  // namespace

Table::Table(std::vector<Head> heads) : heads_(std::move(heads)), out_("<div class=\"scroll\"><table><thead><tr>") {
  for (Head& h : heads_) {
    h.name = escape(h.name);
    out_ += fmt::format("<th scope=\"col\"{}>{}</th>", css_class(h.column), h.name);
  }
  out_ += "</tr></thead><tbody>";
}

void Table::row(const std::vector<std::string>& cells) {
  LK_ASSERT(cells.size() == heads_.size());
  out_ += "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i)
    out_ += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", cells[i])
                   : fmt::format("<td data-column=\"{}\"{}>{}</td>", heads_[i].name, css_class(heads_[i].column), cells[i]);
  out_ += "</tr>";
}

std::string Table::html() const { return out_ + "</tbody></table></div>"; }

std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : hex) {
    bits = (bits << 4 | static_cast<std::uint32_t>(kDigits.find(c) & 15U)) & 0xFFFFU;
    held += 4;
    if (held < 6) continue;
    held -= 6;
    out += kAlphabet[bits >> held & 63U];
  }
  if (held > 0) out += kAlphabet[bits << (6 - held) & 63U];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

}  // namespace linekeeper::telemetry::page
