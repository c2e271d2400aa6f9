// The metrics of one process, in Prometheus' model.
//
// A metric is registered where it is used, at construction, and kept by reference. Names follow
// Prometheus' conventions: penstock_<service>_<what>_<unit>, counters end in _total. Never use a
// user, session or turn as a label.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace penstock::obs {

using Labels = std::map<std::string, std::string>;

// Thread-safe. Metrics live as long as this object; the same name and labels give the same metric.
class Metrics {
 public:
  Metrics();

  prometheus::Counter& AddCounter(const std::string& name, const std::string& help,
                                  const Labels& labels = {});
  prometheus::Gauge& AddGauge(const std::string& name, const std::string& help,
                              const Labels& labels = {});
  // `buckets` are upper bounds, rising.
  prometheus::Histogram& AddHistogram(const std::string& name, const std::string& help,
                                      const std::vector<double>& buckets,
                                      const Labels& labels = {});

  // Prometheus text format 0.0.4.
  std::string Render() const;

 private:
  std::shared_ptr<prometheus::Registry> registry_;
};

// Bounds in seconds, 100 µs to 100 s, three a decade.
std::vector<double> LatencyBuckets();

}  // namespace penstock::obs
