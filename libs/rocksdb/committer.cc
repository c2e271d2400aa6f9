#include "libs/rocksdb/committer.h"

#include <cstdlib>
#include <utility>

#include "libs/base/clock.h"
#include "libs/base/failpoint.h"
#include "libs/base/log.h"
#include "libs/base/refusal.h"

namespace penstock::rocks {

void AbortOnFailedWrite(const absl::Status& status) {
  Log(Severity::kError,
      "a write to the store failed; nothing more is acknowledged and the process ends. Check the "
      "disk",
      {{"error", absl::string_view(status.message())}});
  std::abort();
}

Committer::Committer(Database& database, obs::Metrics& metrics, CommitterOptions options)
    : Committer(
          [&database](const WriteBatch& batch, Sync sync) { return database.Write(batch, sync); },
          metrics, std::move(options)) {}

Committer::Committer(Write write, obs::Metrics& metrics, CommitterOptions options)
    : write_(std::move(write)),
      options_(std::move(options)),
      batches_(metrics.AddCounter("penstock_store_commit_batches_total",
                                  "Group commits: one write each", {{"store", options_.store}})),
      requests_(metrics.AddCounter("penstock_store_commit_requests_total",
                                   "Requests written, many to a group commit",
                                   {{"store", options_.store}})),
      syncs_(metrics.AddCounter("penstock_store_commit_syncs_total",
                                "Group commits that were synced", {{"store", options_.store}})),
      sync_seconds_(metrics.AddHistogram("penstock_store_commit_sync_seconds",
                                         "Time of a synced group commit", obs::LatencyBuckets(),
                                         {{"store", options_.store}})),
      thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    arrived_.NotifyAll();
  }
  thread_.join();
}

Awaitable<absl::Status> Committer::Commit(WriteBatch batch, Sync sync, Complete complete) {
  OneShot<absl::Status> done;
  Enqueue(Request{std::move(batch), sync, &done}, std::move(complete));
  co_return co_await done.Wait();
}

void Committer::Enqueue(Request request, Complete complete) {
  MutexLock lock(mutex_);
  if (complete) complete(request.batch);
  queue_.push_back(std::move(request));
  if (queue_.size() == 1) arrived_.NotifyOne();
}

std::vector<Committer::Request> Committer::WaitForRequests() {
  MutexLock lock(mutex_);
  while (queue_.empty() && !stopping_) arrived_.Wait(mutex_);
  return std::exchange(queue_, {});
}

void Committer::Run() {
  absl::Status failed;
  while (true) {
    std::vector<Request> requests = WaitForRequests();
    if (requests.empty()) return;
    if (failed.ok()) {
      const absl::Status status = WriteTogether(requests);
      if (!status.ok()) {
        options_.on_fatal(status);
        failed = Refusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE", status.message())
                     .RetryAfter(absl::Seconds(1));
      }
    }
    PENSTOCK_FAILPOINT("committer.before_ack");
    for (Request& request : requests) request.done->Set(failed);
  }
}

absl::Status Committer::WriteTogether(std::vector<Request>& requests) {
  WriteBatch together = std::move(requests.front().batch);
  bool sync = requests.front().sync == Sync::kYes;
  for (size_t i = 1; i < requests.size(); ++i) {
    together.Append(requests[i].batch);
    sync = sync || requests[i].sync == Sync::kYes;
  }
  PENSTOCK_FAILPOINT("committer.before_write");
  absl::Status injected = PENSTOCK_FAILPOINT_STATUS("committer.write");
  if (!injected.ok()) return injected;
  const absl::Duration start = SystemClock().Monotonic();
  if (absl::Status status = write_(together, Sync{sync}); !status.ok()) return status;
  PENSTOCK_FAILPOINT("committer.after_write");
  batches_.Increment();
  requests_.Increment(static_cast<double>(requests.size()));
  if (sync) {
    syncs_.Increment();
    sync_seconds_.Observe(absl::ToDoubleSeconds(SystemClock().Monotonic() - start));
  }
  return absl::OkStatus();
}

}  // namespace penstock::rocks
