#include "services/dispatcher/jobs/ingest_jobs.h"

#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/identity/journaled.h"
#include "services/dispatcher/turn/retry_policy.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(10);

PeerCall CallFor(const v1::Job& job, absl::Time now, std::stop_token stop) {
  return {.principal = {.tenant = job.tenant(),
                        .user = job.user(),
                        .tier = "free",
                        .scopes = {},
                        .admitted = FromProto(job.create_time()),
                        .turn = job.turn_id(),
                        .key = identity::UserKeyOfJournaled(job.tenant(), job.user())},
          .turn_id = job.turn_id(),
          .traceparent = "",
          .deadline = now + kCallTimeout,
          .stop = std::move(stop)};
}

using Parts = google::protobuf::RepeatedPtrField<chat::v1::Part>;

// Images, tool traffic, reasoning, refusals and what only a provider can read are nobody's memory.
void CopyWords(const Parts& from, Parts& to) {
  for (const chat::v1::Part& part : from) {
    if (part.has_text()) *to.Add() = part;
  }
}

void AddWords(const chat::v1::Turn& turn, memory::v1::IngestRequest& request) {
  for (const chat::v1::Message& message : turn.output()) {
    if (message.role() != chat::v1::ASSISTANT) continue;
    chat::v1::Message words;
    words.set_role(chat::v1::ASSISTANT);
    CopyWords(message.parts(), *words.mutable_parts());
    if (!words.parts().empty()) *request.add_output() = std::move(words);
  }
}

memory::v1::IngestRequest RequestOf(const chat::v1::Turn& turn) {
  memory::v1::IngestRequest request;
  request.set_turn(turn.name());
  CopyWords(turn.input(), *request.mutable_input());
  AddWords(turn, request);
  *request.mutable_time() = turn.create_time();
  return request;
}

}  // namespace

IngestJobs::IngestJobs(Context context, int32_t max_in_flight, obs::Metrics& metrics)
    : context_(std::move(context)),
      max_in_flight_(max_in_flight),
      backlog_(metrics.AddGauge("penstock_dispatcher_ingest_backlog",
                                "Ended turns not yet handed to memory-recall.")),
      failures_(metrics.AddCounter("penstock_dispatcher_ingest_failures_total",
                                   "Tries to hand a turn to memory-recall that failed.")) {}

void IngestJobs::Add(PendingJob job, std::optional<chat::v1::Turn> turn) {
  backlog_.Increment();
  Waiting added{std::move(job), std::move(turn)};
  {
    MutexLock lock(mutex_);
    if (in_flight_ >= max_in_flight_) {
      waiting_.push_back(std::move(added));
      return;
    }
    ++in_flight_;
  }
  Spawn(context_.executor, Work(std::move(added)));
}

std::optional<IngestJobs::Waiting> IngestJobs::Next() {
  MutexLock lock(mutex_);
  if (waiting_.empty() || context_.shutdown.stop_requested()) {
    --in_flight_;
    return std::nullopt;
  }
  Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

Awaitable<void> IngestJobs::Work(Waiting first) {
  const auto hold = context_.running.Hold();
  std::optional<Waiting> next = std::move(first);
  while (next) {
    co_await Finish(*std::move(next));
    next = Next();
  }
}

Awaitable<void> IngestJobs::Finish(Waiting waiting) {
  for (int32_t failures = 0;; ++failures) {
    const absl::Status tried = co_await Try(waiting);
    if (tried.ok()) break;
    failures_.Increment();
    Log(Severity::kWarning, "a turn could not be handed to memory-recall; trying again",
        {{"turn", waiting.job.job.turn_id()}, {"status", tried.message()}});
    if (!co_await SleepOrStop(context_.timers, PeerBackoff(failures), context_.shutdown)) {
      co_return;  // the journal has the job
    }
  }
  PENSTOCK_FAILPOINT("dispatcher.before_job_finished");
  backlog_.Decrement();
  const v1::Job& job = waiting.job.job;
  const absl::Status finished =
      co_await context_.journal.FinishJob(waiting.job.user, job.turn_id(), job.kind());
  if (!finished.ok()) {
    Log(Severity::kWarning, "a finished job stays in the journal; it will be repeated",
        {{"turn", job.turn_id()}, {"status", finished.message()}});
  }
}

Awaitable<absl::Status> IngestJobs::Try(const Waiting& waiting) {
  const v1::Job& job = waiting.job.job;
  const auto call = [&] { return CallFor(job, context_.clock.Now(), context_.shutdown); };
  chat::v1::Turn turn;
  if (waiting.turn) {
    turn = *waiting.turn;
  } else {
    session::v1::GetTurnRequest get;
    get.set_name(TurnName(job.session_id(), job.turn_id()));
    auto stored = co_await context_.peers.session.GetTurn(call(), std::move(get));
    if (absl::IsNotFound(stored.status())) co_return absl::OkStatus();
    if (!stored.ok()) co_return stored.status();
    turn = *std::move(stored);
  }
  const auto ingested = co_await context_.peers.memory.Ingest(call(), RequestOf(turn));
  if (absl::IsInvalidArgument(ingested.status()) || absl::IsNotFound(ingested.status())) {
    Log(Severity::kError, "memory-recall refuses a turn; it is not remembered",
        {{"turn", turn.name()}, {"status", ingested.status().message()}});
    co_return absl::OkStatus();
  }
  co_return ingested.status();
}

}  // namespace penstock::dispatcher
