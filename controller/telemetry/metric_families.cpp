#include "controller/telemetry/metric_families.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <prometheus/client_metric.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "controller/model/assert.hpp"

namespace linekeeper::telemetry {

namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    out.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

}  // namespace

MetricFamilies::MetricFamilies() {
  for (const MetricRow& row : kMetricCatalogue) {
    const std::string name = std::string(kMetricPrefix) + std::string(row.name);
    const std::string help(row.help);
    const auto labels = split(row.labels);
    switch (row.type) {
      case MetricType::Counter: counters_[row.name] = {&prometheus::BuildCounter().Name(name).Help(help).Register(registry_), labels, {}}; break;
      case MetricType::Gauge: gauges_[row.name] = {&prometheus::BuildGauge().Name(name).Help(help).Register(registry_), labels, {}}; break;
      case MetricType::Histogram:
        histograms_[row.name] = {&prometheus::BuildHistogram().Name(name).Help(help).Register(registry_), labels, {}};
        break;
    }
    by_name_.push_back(&row);
  }
  std::ranges::sort(by_name_, {}, &MetricRow::name);
}

namespace {

/// Text format 0.0.4: backslash, quote and line feed of a label value are escaped.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

/// `a="1",b="2"` in the order of the names, which is what a reader of two scrapes expects.
std::string label_text(const std::vector<std::string>& names, const std::vector<std::string>& values) {
  std::vector<std::string> pairs;
  for (std::size_t i = 0; i < names.size(); ++i) pairs.push_back(names[i] + "=\"" + escaped(values[i]) + '"');
  std::ranges::sort(pairs);
  return fmt::format("{}", fmt::join(pairs, ","));
}

void write_number(std::string& out, double value) {
  if (std::isnan(value))
    out += "NaN";
  else if (std::isinf(value))
    out += value > 0 ? "+Inf" : "-Inf";
  else
    fmt::format_to(std::back_inserter(out), "{}", value);
}

void write_line(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels, double value) {
  out.append(name).append(suffix);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out += ' ';
  write_number(out, value);
  out += '\n';
}

void write_histogram(std::string& out, std::string_view name, std::string_view labels, const prometheus::ClientMetric::Histogram& h) {
  for (const auto& bucket : h.bucket) {
    out.append(name).append("_bucket{").append(labels).append(labels.empty() ? "le=\"" : ",le=\"");
    write_number(out, bucket.upper_bound);
    out += "\"} ";
    write_number(out, static_cast<double>(bucket.cumulative_count));
    out += '\n';
  }
  write_line(out, name, "_sum", labels, h.sample_sum);
  write_line(out, name, "_count", labels, static_cast<double>(h.sample_count));
}

}  // namespace

template <class T>
MetricFamilies::Family<T>& MetricFamilies::find(Families<T>& families, std::string_view name, Values values) {
  const auto it = families.find(name);
  LK_ASSERT(it != families.end());
  LK_ASSERT(it->second.labels.size() == values.size());
  return it->second;
}

template <class T, class... Args>
T& MetricFamilies::series(Families<T>& families, std::string_view name, Values values, Args&&... args) {
  Family<T>& f = find(families, name, values);
  std::vector<std::string> key(values.begin(), values.end());
  Series<T>& s = f.series[key];
  s.marked = true;
  if (s.metric == nullptr) {
    prometheus::Labels labels;
    for (std::size_t i = 0; i < key.size(); ++i) labels[f.labels[i]] = key[i];
    s.metric = &f.family->Add(labels, std::forward<Args>(args)...);
    s.labels = label_text(f.labels, key);
  }
  return *s.metric;
}

Counter& MetricFamilies::counter(std::string_view family, Values values) { return series(counters_, family, values); }
Gauge& MetricFamilies::gauge(std::string_view family, Values values) { return series(gauges_, family, values); }

Histogram& MetricFamilies::histogram(std::string_view family, Values values, const std::vector<double>& bounds) {
  Family<Histogram>& f = find(histograms_, family, values);
  Series<Histogram>& s = f.series[std::vector<std::string>(values.begin(), values.end())];
  if (s.metric != nullptr && s.bounds != bounds) {
    f.family->Remove(s.metric);
    s.metric = nullptr;
  }
  s.bounds = bounds;
  return series(histograms_, family, values, bounds);
}

void MetricFamilies::forget_gauge(std::string_view family, Values values) {
  Family<Gauge>& f = find(gauges_, family, values);
  const auto s = f.series.find(std::vector<std::string>(values.begin(), values.end()));
  if (s == f.series.end()) return;
  f.family->Remove(s->second.metric);
  f.series.erase(s);
}

void MetricFamilies::begin() {
  const auto unmark = [](auto& families) {
    for (auto& [name, family] : families)
      for (auto& [key, s] : family.series) s.marked = false;
  };
  unmark(counters_);
  unmark(gauges_);
  unmark(histograms_);
}

void MetricFamilies::sweep() {
  const auto drop = [](auto& families) {
    for (auto& [name, family] : families)
      for (auto it = family.series.begin(); it != family.series.end();) {
        if (it->second.marked) {
          ++it;
          continue;
        }
        family.family->Remove(it->second.metric);
        it = family.series.erase(it);
      }
  };
  drop(counters_);
  drop(gauges_);
  drop(histograms_);
}

void MetricFamilies::keep(std::string_view family, const std::function<bool(const std::vector<std::string>&)>& wanted) {
  const auto it = counters_.find(family);
  LK_ASSERT(it != counters_.end());
  for (auto& [key, s] : it->second.series)
    if (wanted(key)) s.marked = true;
}

// Written here and not by the library, which copies every series with its labels, sorts them and streams each number: on a hub of 64
// circuits and 256 carriers that is half a million series, and nothing is probed while the loop waits for it.
std::string MetricFamilies::serialize() const {
  std::string out;
  out.reserve(last_size_ + last_size_ / 8);
  for (const MetricRow* row : by_name_) {
    const std::string name = std::string(kMetricPrefix) + std::string(row->name);
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, row->help, name, to_string(row->type));
    switch (row->type) {
      case MetricType::Counter:
        for (const auto& [key, s] : counters_.at(row->name).series) write_line(out, name, "", s.labels, s.metric->Value());
        break;
      case MetricType::Gauge:
        for (const auto& [key, s] : gauges_.at(row->name).series) write_line(out, name, "", s.labels, s.metric->Value());
        break;
      case MetricType::Histogram:
        for (const auto& [key, s] : histograms_.at(row->name).series) write_histogram(out, name, s.labels, s.metric->Collect().histogram);
        break;
    }
  }
  last_size_ = out.size();
  return out;
}

}  // namespace linekeeper::telemetry
