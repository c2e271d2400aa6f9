// What is counted of the key set of one issuer.
#pragma once

#include <map>
#include <string>

#include "libs/identity/jwk_set.h"
#include "libs/obs/metrics.h"
#include "services/gateway/document_fetch.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::gateway {

// The name of a fetch in metrics; a document that came whole and is no good set is "bad_document".
absl::string_view NameOf(FetchOutcome outcome);
inline constexpr absl::string_view kBadDocument = "bad_document";

// Thread-safe. `metrics` outlives it.
class KeyMetrics {
 public:
  KeyMetrics(obs::Metrics& metrics, const std::string& issuer);

  void CountFetch(absl::string_view outcome) const;
  // What a good fetch, begun at `time`, has brought.
  void ShowFetched(const identity::JwkSet& set, absl::Time time) const;
  // Keys that tokens may be checked with now.
  void ShowKeys(size_t keys) const { keys_.Set(static_cast<double>(keys)); }
  void ShowWaiting(size_t calls) const { waiting_.Set(static_cast<double>(calls)); }
  void CountWaitRefused() const { waits_refused_.Increment(); }

 private:
  std::map<absl::string_view, prometheus::Counter*> fetches_;
  std::map<identity::JwkFlaw, prometheus::Gauge*> left_out_;
  prometheus::Gauge& fetched_time_;
  prometheus::Gauge& keys_;
  prometheus::Gauge& waiting_;
  prometheus::Counter& waits_refused_;
};

}  // namespace penstock::gateway
