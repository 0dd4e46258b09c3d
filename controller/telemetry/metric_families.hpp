#pragma once
// The registry behind a catalogue: families are made from kMetricCatalogue and asked for by name. A reload is mark and
// sweep: between begin() and sweep() every series that is asked for again stays with its value, the others go.
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/telemetry/metric_catalogue.hpp"

namespace linekeeper::telemetry {

using Counter = prometheus::Counter;
using Gauge = prometheus::Gauge;
using Histogram = prometheus::Histogram;

/// Is `value` in `list`? (std::ranges::contains, which GCC 12's library lacks.)
[[nodiscard]] bool holds(const auto& list, const auto& value) { return std::ranges::find(list, value) != std::ranges::end(list); }

class MetricFamilies {
 public:
  using Values = std::initializer_list<std::string_view>;  ///< of the labels, in the catalogue's order

  MetricFamilies();

  /// The series of that family with those label values; made at 0 when it is not there. Asking for a name, type or number
  /// of labels that is not in the catalogue is a bug. References stay good until a sweep() drops the series.
  Counter& counter(std::string_view family, Values values);
  Gauge& gauge(std::string_view family, Values values);
  /// @param bounds  upper, rising; a series that stands with other bounds is made anew
  Histogram& histogram(std::string_view family, Values values, const std::vector<double>& bounds);

  /// Drops that series, where it is there: for what comes and goes between reloads. References to it are no good any more.
  void forget_gauge(std::string_view family, Values values);

  void begin();  ///< unmarks everything
  void sweep();  ///< drops what is not marked
  /// Marks those series of a counter family that `wanted` says yes to (by label values); for series that come into being
  /// when they are first needed.
  void keep(std::string_view family, const std::function<bool(const std::vector<std::string>&)>& wanted);

  /// The Prometheus text format 0.0.4, families in the order of their names.
  [[nodiscard]] std::string serialize() const;

 private:
  template <class T>
  struct Series {
    T* metric = nullptr;
    bool marked = true;
    std::vector<double> bounds;  ///< of a histogram
    std::string labels;          ///< as they are served
  };
  template <class T>
  struct Family {
    prometheus::Family<T>* family = nullptr;
    std::vector<std::string> labels;
    std::map<std::vector<std::string>, Series<T>> series;
  };
  template <class T>
  using Families = std::map<std::string_view, Family<T>>;

  template <class T>
  Family<T>& find(Families<T>& families, std::string_view name, Values values);
  template <class T, class... Args>
  T& series(Families<T>& families, std::string_view name, Values values, Args&&... args);

  prometheus::Registry registry_;
  Families<Counter> counters_;
  Families<Gauge> gauges_;
  Families<Histogram> histograms_;
  std::vector<const MetricRow*> by_name_;
  mutable std::size_t last_size_ = 0;
};

}  // namespace linekeeper::telemetry
