// Writes down what callers are told while a run goes on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/base/mutex.h"
#include "tests/harness/history.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::harness {

// Thread-safe.
class Ledger {
 public:
  void Want(const Intent& intent);
  void Tell(Told told);
  // A terminal state was told of a turn. Not of a live one.
  void TellOutcome(Outcome outcome);
  void AddWatch(Watch watch);
  void AddToolWait(ToolWait wait);
  void AddKill(KillSeen kill);
  void AddCancel(CancelTold cancel);
  void AddMade(Made made);

  // Names of turns that are acknowledged, and of which nobody was told an end, with their users.
  std::map<std::string, std::string> InFlight() const;
  // How many turns ended, as far as callers were told.
  size_t ended() const;

  // So far; what the provider received and what is stored is added by whoever asks for it.
  History Take() const;

 private:
  mutable Mutex mutex_;
  History history_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> users_ ABSL_GUARDED_BY(mutex_);
  // Turn to user.
  std::map<std::string, std::string> in_flight_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, TurnState> ended_ ABSL_GUARDED_BY(mutex_);
};

// One JSON object a line, for whoever looks into a failure: {"what":"told","request_id":…}.
absl::Status WriteHistory(const History& history, const std::string& path);

}  // namespace penstock::harness
