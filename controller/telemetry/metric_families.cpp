#include "controller/telemetry/metric_families.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

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
  }
}

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

std::string MetricFamilies::serialize() const {
  std::vector<prometheus::MetricFamily> all = registry_.Collect();
  std::ranges::sort(all, {}, &prometheus::MetricFamily::name);
  // The registry keeps series in a hash table: sorted, two scrapes can be compared by eye and by diff.
  for (auto& family : all) std::ranges::sort(family.metric, {}, &prometheus::ClientMetric::label);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, all);
  return std::move(out).str();
}

}  // namespace linekeeper::telemetry
