#include "services/gateway/key_metrics.h"

namespace penstock::gateway {
namespace {

constexpr FetchOutcome kOutcomes[] = {
    FetchOutcome::kOk,  FetchOutcome::kStatus,     FetchOutcome::kTooLarge, FetchOutcome::kTimeout,
    FetchOutcome::kTls, FetchOutcome::kConnection, FetchOutcome::kStopped};

}  // namespace

absl::string_view NameOf(FetchOutcome outcome) {
  switch (outcome) {
    case FetchOutcome::kOk:
      return "ok";
    case FetchOutcome::kStatus:
      return "status";
    case FetchOutcome::kTooLarge:
      return "too_large";
    case FetchOutcome::kTimeout:
      return "timeout";
    case FetchOutcome::kTls:
      return "tls";
    case FetchOutcome::kConnection:
      return "connection";
    case FetchOutcome::kStopped:
      return "stopped";
  }
  return "";
}

KeyMetrics::KeyMetrics(obs::Metrics& metrics, const std::string& issuer)
    : fetched_time_(metrics.AddGauge("penstock_gateway_key_set_fetched_timestamp_seconds",
                                     "Unix time at which the last good fetch of an issuer's keys "
                                     "began; 0 before there was one.",
                                     {{"issuer", issuer}})),
      keys_(metrics.AddGauge("penstock_gateway_key_set_keys",
                             "Published keys that tokens may be checked with now.",
                             {{"issuer", issuer}})),
      waiting_(metrics.AddGauge("penstock_gateway_key_waiting_calls",
                                "Calls that wait for a fetch of their issuer's keys.",
                                {{"issuer", issuer}})),
      waits_refused_(metrics.AddCounter("penstock_gateway_key_waits_refused_total",
                                        "Calls that were refused because too many wait already.",
                                        {{"issuer", issuer}})) {
  const auto add = [&](absl::string_view outcome) {
    fetches_[outcome] = &metrics.AddCounter(
        "penstock_gateway_key_fetches_total", "Fetches of an issuer's keys, by how they ended.",
        {{"issuer", issuer}, {"outcome", std::string(outcome)}});
  };
  for (const FetchOutcome outcome : kOutcomes) add(NameOf(outcome));
  add(kBadDocument);
  for (const identity::JwkFlaw flaw : identity::kJwkFlaws) {
    left_out_[flaw] = &metrics.AddGauge(
        "penstock_gateway_key_set_left_out", "Keys of the last good document that are not used.",
        {{"issuer", issuer}, {"reason", std::string(NameOf(flaw))}});
  }
}

void KeyMetrics::CountFetch(absl::string_view outcome) const { fetches_.at(outcome)->Increment(); }

void KeyMetrics::ShowFetched(const identity::JwkSet& set, absl::Time time) const {
  fetched_time_.Set(absl::ToDoubleSeconds(time - absl::UnixEpoch()));
  for (const auto& [flaw, gauge] : left_out_) {
    const auto found = set.left_out().find(flaw);
    gauge->Set(found == set.left_out().end() ? 0 : found->second);
  }
}

}  // namespace penstock::gateway
