#include "services/provider_adapter/call_metrics.h"

namespace penstock::provider_adapter {
namespace {

prometheus::Counter& Calls(obs::Metrics& metrics, const std::string& provider,
                           const std::string& model, const std::string& outcome) {
  return metrics.AddCounter("penstock_provider_adapter_calls_total",
                            "Calls of a provider by outcome: OK, CANCELLED or an ErrorKind.",
                            {{"provider", provider}, {"model", model}, {"outcome", outcome}});
}

prometheus::Counter& Tokens(obs::Metrics& metrics, const std::string& provider,
                            const std::string& model, const std::string& kind) {
  return metrics.AddCounter("penstock_provider_adapter_tokens_total",
                            "Tokens that a provider reports: input (all of it), output, and of the "
                            "input cache_read and cache_write.",
                            {{"provider", provider}, {"model", model}, {"kind", kind}});
}

constexpr double kNano = 1e-9;

}  // namespace

ModelMetrics::ModelMetrics(obs::Metrics& metrics, const std::string& provider,
                           const std::string& model)
    : succeeded_(Calls(metrics, provider, model, "OK")),
      cancelled_(Calls(metrics, provider, model, "CANCELLED")),
      first_token_(metrics.AddHistogram("penstock_provider_adapter_time_to_first_token_seconds",
                                        "From the start of a call to the first text of the answer.",
                                        obs::LatencyBuckets(),
                                        {{"provider", provider}, {"model", model}})),
      input_tokens_(Tokens(metrics, provider, model, "input")),
      output_tokens_(Tokens(metrics, provider, model, "output")),
      cache_read_tokens_(Tokens(metrics, provider, model, "cache_read")),
      cache_write_tokens_(Tokens(metrics, provider, model, "cache_write")),
      cost_usd_(metrics.AddCounter("penstock_provider_adapter_cost_usd_total",
                                   "What the reported tokens cost, where the price is known.",
                                   {{"provider", provider}, {"model", model}})) {
  for (int kind = 0; kind < chat::v1::ErrorKind_ARRAYSIZE; ++kind) {
    failed_.push_back(&Calls(metrics, provider, model,
                             chat::v1::ErrorKind_Name(static_cast<chat::v1::ErrorKind>(kind))));
  }
}

void ModelMetrics::Spent(const chat::v1::Usage& usage, std::optional<int64_t> cost_nano_usd) {
  input_tokens_.Increment(static_cast<double>(usage.input_tokens()));
  output_tokens_.Increment(static_cast<double>(usage.output_tokens()));
  cache_read_tokens_.Increment(static_cast<double>(usage.cache_read_input_tokens()));
  cache_write_tokens_.Increment(static_cast<double>(usage.cache_write_input_tokens()));
  if (cost_nano_usd) cost_usd_.Increment(static_cast<double>(*cost_nano_usd) * kNano);
}

ProviderMetrics::ProviderMetrics(obs::Metrics& metrics, const std::string& provider)
    : open_streams_(metrics.AddGauge("penstock_provider_adapter_open_streams",
                                     "Calls of a provider that are under way.",
                                     {{"provider", provider}})),
      refused_(metrics.AddCounter("penstock_provider_adapter_refused_total",
                                  "Calls refused because max_streams were under way.",
                                  {{"provider", provider}})),
      sent_bytes_(metrics.AddCounter("penstock_provider_adapter_sent_bytes_total",
                                     "Bodies of requests to a provider.",
                                     {{"provider", provider}})),
      received_bytes_(metrics.AddCounter("penstock_provider_adapter_received_bytes_total",
                                         "Bodies of answers of a provider.",
                                         {{"provider", provider}})) {}

TransportMetrics::TransportMetrics(obs::Metrics& metrics, const std::string& provider)
    : open_(metrics.AddGauge("penstock_provider_adapter_open_connections",
                             "Connections to a provider or its proxy.", {{"provider", provider}})),
      opened_(metrics.AddCounter("penstock_provider_adapter_connections_opened_total",
                                 "Connections begun, also those that then failed.",
                                 {{"provider", provider}})),
      reused_(metrics.AddCounter("penstock_provider_adapter_connections_reused_total",
                                 "Requests sent on a connection that was there.",
                                 {{"provider", provider}})),
      answers_too_large_(metrics.AddCounter("penstock_provider_adapter_answers_too_large_total",
                                            "Answers cut at max_answer_bytes.",
                                            {{"provider", provider}})) {}

void TransportMetrics::Count(http::TransportEvent event) const {
  switch (event) {
    case http::TransportEvent::kConnectionOpened:
      open_.Increment();
      opened_.Increment();
      return;
    case http::TransportEvent::kConnectionReused:
      reused_.Increment();
      return;
    case http::TransportEvent::kConnectionClosed:
      open_.Decrement();
      return;
    case http::TransportEvent::kAnswerTooLarge:
      answers_too_large_.Increment();
      return;
  }
}

}  // namespace penstock::provider_adapter
