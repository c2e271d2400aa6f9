// The one thread that writes to a database: group commit without a timer.
//
// A batch is everything that arrived while the previous one was written. It goes as one RocksDB
// write, synced iff one of its requests asks for it, and then all of its waiters are resumed. A
// read sees a synced write only once it is durable. Nothing waits for company: an idle committer
// writes a request at once.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"
#include "libs/rocksdb/database.h"
#include "libs/rocksdb/write_batch.h"

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace penstock::rocks {

// What a failed write ends with: logs and aborts. After it nothing that was acknowledged may be
// trusted to be followed by anything, so the process starts again from what is on disk.
[[noreturn]] void AbortOnFailedWrite(const absl::Status& status);

struct CommitterOptions {
  // Label `store` of the metrics.
  std::string store;
  // Called on the committer's thread, once, when a write or sync has failed. If it returns (tests
  // only), that request and all later ones are answered kUnavailable (STORE_UNAVAILABLE).
  absl::AnyInvocable<void(const absl::Status&)> on_fatal = AbortOnFailedWrite;
};

// Thread-safe. Destroying it writes what is queued, then joins; the io_context of its waiters must
// outlive it. Metrics:
// penstock_store_commit_{batches,requests,syncs}_total, penstock_store_commit_sync_seconds.
class Committer {
 public:
  using Write = absl::AnyInvocable<absl::Status(const WriteBatch&, Sync)>;
  using Complete = absl::AnyInvocable<void(WriteBatch&)>;

  // `database` must outlive it.
  Committer(Database& database, obs::Metrics& metrics, CommitterOptions options);
  // Over any writer: a test's, or one that injects faults.
  Committer(Write write, obs::Metrics& metrics, CommitterOptions options);
  ~Committer();

  // Writes the batch; with Sync::kYes it is durable when the result arrives. Requests take effect
  // in the order of these calls. OK for an empty batch, which still waits for those before it.
  // `complete`, if any, is called in that order, too, and may add to the batch what depends on the
  // requests before it; it is called under a lock, so it is short and calls nothing of this.
  Awaitable<absl::Status> Commit(WriteBatch batch, Sync sync, Complete complete = nullptr);

 private:
  struct Request {
    WriteBatch batch;
    Sync sync;
    OneShot<absl::Status>* done;
  };

  void Enqueue(Request request, Complete complete);
  // Empty when there is nothing left and the committer ends.
  std::vector<Request> WaitForRequests();
  void Run();
  absl::Status WriteTogether(std::vector<Request>& requests);

  Write write_;
  CommitterOptions options_;
  prometheus::Counter& batches_;
  prometheus::Counter& requests_;
  prometheus::Counter& syncs_;
  prometheus::Histogram& sync_seconds_;

  Mutex mutex_;
  CondVar arrived_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Request> queue_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace penstock::rocks
