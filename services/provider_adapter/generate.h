// One attempt at a model: the adapter's only job. No retries: the dispatcher has the one retry
// loop.
#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>

#include "libs/async/awaitable.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/http/http_stream_client.h"
#include "libs/obs/metrics.h"
#include "penstock/config/v1/config.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/provider_adapter/attempt.h"
#include "services/provider_adapter/call_metrics.h"
#include "services/provider_adapter/routes.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace penstock::provider_adapter {

// Where the events of one call go. A slow one is sent fewer, larger deltas.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // A status that is not OK ends the call: nobody reads any more.
  virtual Awaitable<absl::Status> Write(provider::v1::GenerateEventBatch batch) = 0;
};

// Thread-safe.
class Generator {
 public:
  // INVALID_ARGUMENT with the key's path when the configuration cannot be used, also for an API key
  // that is not in the environment.
  static absl::StatusOr<std::unique_ptr<Generator>> Create(const config::v1::Config& config,
                                                           Routes::Environment environment,
                                                           http::HttpStreamClient& client,
                                                           Timers& timers, Clock& clock,
                                                           obs::Metrics& metrics);

  // Writes GenerateStarted?, GenerateDelta*, then GenerateFinished or GenerateFailed, and answers
  // OK. Otherwise nothing was sent to the provider:
  //   UNAVAILABLE (MODEL_UNKNOWN)        the configuration has no such model, or not of this
  //                                      provider
  //   RESOURCE_EXHAUSTED (STREAMS_FULL)  max_streams of the provider, or of the process, are open;
  //                                      with RetryInfo
  //   DEADLINE_EXCEEDED (DEADLINE_IN_PAST)
  // or nobody reads the answer any more, and the provider's connection is closed:
  //   CANCELLED                          `stop` was requested
  //   the sink's status                  a Write failed
  // `request` and `sink` must outlive the coroutine.
  Awaitable<absl::Status> Generate(const provider::v1::GenerateRequest& request, EventSink& sink,
                                   std::stop_token stop);

  const Routes& routes() const { return *routes_; }

 private:
  class StreamSlot;

  struct Settings {
    absl::Duration max_duration;
    DeltaCoalescer::Options coalescing;
    size_t max_output_bytes = 0;
    int max_streams = 0;
  };
  // Streams of the whole process.
  struct StreamBound {
    const int most;
    std::atomic<int> open = 0;
  };

  Generator(std::unique_ptr<Routes> routes, Settings settings, http::HttpStreamClient& client,
            Timers& timers, Clock& clock, obs::Metrics& metrics);

  absl::Duration TimeLeft(const provider::v1::GenerateRequest& request) const;
  std::shared_ptr<Attempt> NewAttempt(const ProviderRoute& provider,
                                      const provider::v1::GenerateRequest& request) const;
  // Tells the sink all of the attempt, but for the key, should the provider quote it.
  Awaitable<absl::Status> Relay(Attempt& attempt, const ModelRoute& model,
                                const Credential& credential, EventSink& sink);
  // What the metrics keep of an attempt that is over.
  void Count(const Attempt& attempt, const ModelRoute& model);

  const std::unique_ptr<Routes> routes_;
  const Settings settings_;
  http::HttpStreamClient& client_;
  Timers& timers_;
  Clock& clock_;
  StreamBound streams_;
  // By name.
  absl::flat_hash_map<std::string, ProviderMetrics> provider_metrics_;
  // Of each lane.
  absl::flat_hash_map<const ModelRoute*, ModelMetrics> model_metrics_;
};

}  // namespace penstock::provider_adapter
