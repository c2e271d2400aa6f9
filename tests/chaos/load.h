// Callers who never rest: sessions of three turns, submitted without waiting, until told to stop.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/mutex.h"
#include "tests/harness/ledger.h"
#include "tests/harness/mesh.h"
#include "tests/harness/persistent_caller.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::chaos {

struct LoadOptions {
  // Sessions at a time.
  int workers = 16;
  // So long a caller goes on asking for one thing.
  absl::Duration patience = absl::Minutes(3);
};

// What a caller does is drawn from the number of its session alone: an answer lasts 0.2 to 3 s;
// some sessions are created first, some turns are cancelled or ask for a tool, some callers have
// something remembered, some stream, and every submission is sent once more, as if its answer had
// been lost. Thread-safe.
class Load {
 public:
  // `mesh` and `ledger` must outlive it.
  Load(const harness::Mesh& mesh, harness::Ledger& ledger, LoadOptions options);
  ~Load();

  // No more sessions; returns when those that run have ended.
  void Finish();
  // One turn more in every session, to its end. After Finish.
  void OneMoreTurnEach();

  int sessions() const { return next_session_; }
  // Calls that did not get their answer in the end.
  std::vector<absl::Status> failures() const;

  // What is stored at the end, once no turn lives or `give_up` has come.
  absl::Status Collect(absl::Time give_up, harness::History& history);

 private:
  void Work();
  void WorkOnce(int session, int order);
  absl::Status Talk(int session, std::mt19937& random);
  const harness::Caller& CallerOf(int session);
  void Note(const absl::Status& status);

  const harness::Mesh& mesh_;
  harness::Ledger& ledger_;
  const LoadOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  std::atomic<int> next_session_ = 0;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> workers_;
  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<harness::Caller>> callers_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Status> failures_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::chaos
