// The metrics of provider calls.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/http/http_transport.h"
#include "libs/obs/metrics.h"
#include "penstock/chat/v1/message.pb.h"
#include "penstock/chat/v1/turn.pb.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::provider_adapter {

// Of one model. Thread-safe.
class ModelMetrics {
 public:
  ModelMetrics(obs::Metrics& metrics, const std::string& provider, const std::string& model);

  void Succeeded() { succeeded_.Increment(); }
  void Failed(chat::v1::ErrorKind kind) { failed_[static_cast<size_t>(kind)]->Increment(); }
  void Cancelled() { cancelled_.Increment(); }
  // What the provider reports of a call at its end, and what it costs if that is known. A call that
  // is cut has no report.
  void Spent(const chat::v1::Usage& usage, std::optional<int64_t> cost_nano_usd);
  void FirstToken(absl::Duration after) { first_token_.Observe(absl::ToDoubleSeconds(after)); }

 private:
  prometheus::Counter& succeeded_;
  prometheus::Counter& cancelled_;
  // By ErrorKind.
  std::vector<prometheus::Counter*> failed_;
  prometheus::Histogram& first_token_;
  prometheus::Counter& input_tokens_;
  prometheus::Counter& output_tokens_;
  prometheus::Counter& cache_read_tokens_;
  prometheus::Counter& cache_write_tokens_;
  prometheus::Counter& cost_usd_;
};

// Of one provider. Thread-safe.
class ProviderMetrics {
 public:
  ProviderMetrics(obs::Metrics& metrics, const std::string& provider);

  void Opened() { open_streams_.Increment(); }
  void Closed() { open_streams_.Decrement(); }
  void Refused() { refused_.Increment(); }
  void Sent(size_t bytes) { sent_bytes_.Increment(static_cast<double>(bytes)); }
  void Received(int64_t bytes) { received_bytes_.Increment(static_cast<double>(bytes)); }

 private:
  prometheus::Gauge& open_streams_;
  prometheus::Counter& refused_;
  prometheus::Counter& sent_bytes_;
  prometheus::Counter& received_bytes_;
};

// Of the connections to one provider. Thread-safe; may be copied.
class TransportMetrics {
 public:
  TransportMetrics(obs::Metrics& metrics, const std::string& provider);

  void Count(http::TransportEvent event) const;

 private:
  prometheus::Gauge& open_;
  prometheus::Counter& opened_;
  prometheus::Counter& reused_;
  prometheus::Counter& answers_too_large_;
};

}  // namespace penstock::provider_adapter
