// The keys of one issuer, as far as this process knows them: which hold, which it is known not to
// have, and when to look again.
//
// A state machine without I/O, clock or thread. It says when to fetch the issuer's document, and is
// told what came of it (services/gateway/key_fetcher.h). A fetch that fails, or brings anything but
// a good set, changes nothing: the last good one holds until it is max_age old. Unknown ids ask for
// a fetch, at most one in min_refresh_interval, however many ask.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libs/base/mutex.h"
#include "libs/identity/jwk_set.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::identity {

// Thread-safe. Times are monotonic, of one clock.
class PublishedKeys {
 public:
  // `issuer`: its name, for messages. `config` is complete: every default applied.
  PublishedKeys(std::string issuer, const config::v1::Jwks& config);

  const std::string& issuer() const { return issuer_; }
  const config::v1::Jwks& config() const { return config_; }

  // For verifiers.

  // The last good set; nullptr before there was one, and when it is too old.
  std::shared_ptr<const JwkSet> Current() const;
  // A good set that was fetched after this id was first asked for does not have it. Holds for
  // min_refresh_interval; then it may be asked for again.
  bool IsAbsent(absl::string_view kid) const;

  // For a call whose token needs a key that is not there. No `kid`: it needs any key.

  enum class Hope {
    // It has come meanwhile: look again.
    kNow,
    // A fetch is under way or will be made: look again when one has ended.
    kLater,
    // The last fetch failed, the id is absent, or too many ids wait: nothing will come of waiting.
    kNone,
  };
  Hope Ask(const std::optional<std::string>& kid, absl::Duration now);

  // For who fetches.

  // When Tick has something to do.
  absl::Duration NextDue() const;
  // Forgets what is too old. True: fetch now, and call Finish once; until then it is not true
  // again.
  bool Tick(absl::Duration now);
  // What a fetch brought: the document, or why there is none. Answers how that is: kInvalidArgument
  // for a document that is no good set (JwkSet::Parse).
  absl::Status Finish(const absl::StatusOr<std::string>& document);

 private:
  absl::Duration FetchDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasSet() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return set_ != nullptr; }

  const std::string issuer_;
  const config::v1::Jwks config_;
  const absl::Duration refresh_interval_;
  const absl::Duration min_refresh_interval_;
  const absl::Duration max_age_;

  mutable Mutex mutex_;
  std::shared_ptr<const JwkSet> set_ ABSL_GUARDED_BY(mutex_);
  // The start of the fetch that brought `set_`: what it says may be as old as that.
  absl::Duration set_since_ ABSL_GUARDED_BY(mutex_);
  bool fetching_ ABSL_GUARDED_BY(mutex_) = false;
  // Of the last fetch.
  std::optional<absl::Duration> started_ ABSL_GUARDED_BY(mutex_);
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  // Ids that wait for a fetch that begins after they came; those that the running one looks for;
  // those that the last one looked for in vain.
  absl::flat_hash_set<std::string> asked_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> sought_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> absent_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::identity
