// The events of one live turn, written once and read by any number of streams.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"
#include "penstock/chat/v1/message.pb.h"
#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/turn/event_index.h"

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

struct EventBatch {
  // What the reader missed, in order; the text in it is at most EventLog::kMaxDeltaBytes.
  std::vector<chat::v1::TurnEvent> events;
  // Nothing comes after these.
  bool end = false;
};

class EventLog;

// A cursor into a log. Keeps the log alive. One coroutine at a time.
class EventReader {
 public:
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // What came after the cursor, and moves it there. Waits while there is nothing; an empty batch
  // only with `end`. CANCELLED when `stop` comes first; the status given to EventLog::Fail once it
  // was.
  Awaitable<absl::StatusOr<EventBatch>> Read(std::stop_token stop);
  int64_t cursor() const { return cursor_; }

 private:
  friend class EventLog;
  EventReader(std::shared_ptr<EventLog> log, int64_t cursor, bool outcome_only);

  std::shared_ptr<EventLog> log_;
  int64_t cursor_;
  const bool outcome_only_;
};

// Thread-safe. Holds the text once, merged; a delta costs no memory beyond its bytes. The writer
// bounds it by text_bytes(), far below 2 GiB. Of Queued events that follow each other the newest is
// kept.
class EventLog : public std::enable_shared_from_this<EventLog> {
 public:
  static constexpr size_t kMaxDeltaBytes = 64 << 10;

  // Called, without a lock, after the number of readers has fallen to 0 or left it; ask readers().
  // Two calls may overlap, and come as long as there is a reader, also after the end.
  using OnReaders = absl::AnyInvocable<void() const>;

  // For run `run` of the turn, begun at `start`, in this epoch of its shard. `on_readers` may be
  // null. `continued`: an earlier life of the dispatcher may have finished steps of it; readers get
  // no more than Accepted before Restore or Finished.
  static std::shared_ptr<EventLog> Create(int64_t epoch, int32_t run, absl::Time start,
                                          OnReaders on_readers, bool continued = false);

  // Takes the steps of earlier runs, oldest first, each event with the index that it had then.
  void Restore(std::vector<chat::v1::TurnEvent> steps);

  // Gives the event its index, unless it has a reserved one, keeps it, wakes the readers. After
  // Finished, or Fail, nothing is taken. A Delta's text is whole characters; an empty one is
  // dropped.
  void Append(chat::v1::TurnEvent event, absl::Time time);
  // Sets two indices aside, and answers the first: of a StepFinished and the ToolCallsRequested
  // behind it, which are made durable before they are told.
  int64_t Reserve();
  // The turn has ended with what another run made of it: the text told since the last step is not
  // of it, and readers are told so before Finished, if there is any.
  void TellOtherRun(int32_t run, absl::Time time);
  // Ends every reader with `status` once it has read what is there: the turn goes on elsewhere.
  void Fail(absl::Status status);

  // A reader of what comes after `after_index`; 0: from the start. With an index of an older run it
  // begins with the steps of older runs that it has not seen, and Restarted, unless that is
  // Accepted's. Another Restarted stands before those steps if it may have a part of the first.
  // INVALID_ARGUMENT for an index that this log has not reached. `outcome_only`: Accepted,
  // ToolCallsRequested and Finished only.
  absl::StatusOr<std::unique_ptr<EventReader>> Attach(int64_t after_index, bool outcome_only);

  int readers() const;
  // Bytes of text appended.
  int64_t text_bytes() const;
  // Roughly what the log occupies.
  int64_t memory_bytes() const;
  // Text of a step, in parts, as the deltas brought it: what to keep of a turn that was stopped.
  // Pieces of tool calls are no text.
  chat::v1::Message TextOf(int32_t step) const;

 private:
  friend class EventReader;
  // One suspended Read. True: there is something new.
  struct Waiter {
    OneShot<bool> woken;
    bool outcome_only = false;
  };
  using Waiters = absl::InlinedVector<std::shared_ptr<Waiter>, 2>;

  EventLog(int64_t epoch, int32_t run, absl::Time start, OnReaders on_readers, bool continued);

  // What a reader at `cursor` has missed, and moves it; else the waiter to suspend on.
  absl::StatusOr<EventBatch> Take(int64_t& cursor, bool outcome_only,
                                  std::shared_ptr<Waiter>& waiter);
  void Forget(const std::shared_ptr<Waiter>& waiter);
  void Detach();

  void Keep(chat::v1::TurnEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MergeIntoLast(const chat::v1::TurnEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  EventBatch Collect(int64_t& cursor, bool outcome_only) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of this run.
  chat::v1::TurnEvent Restarted() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of the older run that `step` is of, to a reader at `cursor`.
  chat::v1::TurnEvent RestartedBefore(const chat::v1::TurnEvent& step, int64_t cursor) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Index of the last StepFinished up to `index`; Accepted's if there is none.
  int64_t LastStepUpTo(int64_t index) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Waiters TakeWaiters(bool also_outcome_only) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The index with sequence 0: of Restarted, before all events of this run.
  const int64_t base_index_;
  const int32_t run_;
  const absl::Time start_;
  const OnReaders on_readers_;

  mutable Mutex mutex_;
  // By index. A Delta holds all text that came without another event in between.
  std::vector<chat::v1::TurnEvent> events_ ABSL_GUARDED_BY(mutex_);
  int64_t last_index_ ABSL_GUARDED_BY(mutex_);
  int64_t text_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t other_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // The steps of earlier runs are here, or there are none.
  bool restored_ ABSL_GUARDED_BY(mutex_);
  // The last StepFinished of an earlier run.
  int64_t keep_through_ ABSL_GUARDED_BY(mutex_) = kAcceptedIndex;
  absl::Status failed_ ABSL_GUARDED_BY(mutex_);
  int readers_ ABSL_GUARDED_BY(mutex_) = 0;
  Waiters waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
