// A caller that does what the API asks of one: it repeats a submission with the same request_id
// until it knows, and watches a turn to its end over streams that break. The ledger hears of it
// all.
#pragma once

#include <string>

#include "penstock/gateway/v1/turns.pb.h"
#include "tests/harness/caller.h"
#include "tests/harness/history.h"
#include "tests/harness/ledger.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::harness {

// Thread-safe; references must outlive it.
class PersistentCaller {
 public:
  PersistentCaller(const Caller& caller, Ledger& ledger) : caller_(caller), ledger_(ledger) {}

  // Makes the session if it is not there. The turn's name; else the status that came last.
  absl::StatusOr<std::string> Submit(const Intent& intent, const std::string& text,
                                     absl::Time give_up) const;

  // Submits once more what Submit has submitted, as one does whose answer was lost.
  absl::StatusOr<std::string> Repeat(const Intent& intent, const std::string& text,
                                     absl::Time give_up) const;

  // Until the intent to cancel is acknowledged, or the turn has ended.
  absl::Status Cancel(const std::string& turn, absl::Time give_up) const;

  // Make one under a request_id, until it is there; the same again says the same.
  absl::Status CreateSession(const std::string& user, const std::string& session_id,
                             const std::string& request_id, absl::Time give_up) const;
  absl::Status CreateMemory(const std::string& user, const std::string& text,
                            const std::string& request_id, absl::Time give_up) const;

  // StreamTurn, again until it is accepted, and then the rest as Follow.
  absl::Status Stream(const Intent& intent, const std::string& text, absl::Time give_up) const;

  // Until Finished was seen; runs the tools that are asked for. NOT_FOUND when the turn is not
  // known any more.
  absl::Status Follow(const std::string& user, const std::string& turn, absl::Time give_up) const;

 private:
  const Caller& caller_;
  Ledger& ledger_;
};

}  // namespace penstock::harness
