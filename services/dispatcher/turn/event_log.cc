#include "services/dispatcher/turn/event_log.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "libs/base/failpoint.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/turn/delta_part.h"

#include "absl/strings/string_view.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Delta;
using chat::v1::TurnEvent;

// What an event occupies beside its text.
constexpr int64_t kEventBytes = sizeof(TurnEvent) + 64;

bool IsOutcome(const TurnEvent& event) {
  return event.has_accepted() || event.has_tool_calls_requested() || event.has_finished();
}

bool SamePart(const Delta& a, const Delta& b) {
  return a.step() == b.step() && a.part() == b.part() && a.kind() == b.kind();
}

void AddText(chat::v1::Part& part, Delta::Kind kind, absl::string_view text) {
  switch (kind) {
    case Delta::REASONING:
      part.mutable_reasoning()->mutable_text()->append(text.data(), text.size());
      return;
    case Delta::REFUSAL:
      part.mutable_refusal()->mutable_text()->append(text.data(), text.size());
      return;
    default:
      part.mutable_text()->mutable_text()->append(text.data(), text.size());
  }
}

}  // namespace

EventReader::EventReader(std::shared_ptr<EventLog> log, int64_t cursor, bool outcome_only)
    : log_(std::move(log)), cursor_(cursor), outcome_only_(outcome_only) {}

EventReader::~EventReader() { log_->Detach(); }

Awaitable<absl::StatusOr<EventBatch>> EventReader::Read(std::stop_token stop) {
  while (true) {
    std::shared_ptr<EventLog::Waiter> waiter;
    auto batch = log_->Take(cursor_, outcome_only_, waiter);
    if (!waiter) co_return batch;
    const std::stop_callback on_stop(stop, [waiter] { waiter->woken.Set(false); });
    if (!co_await waiter->woken.Wait()) {
      log_->Forget(waiter);
      co_return absl::CancelledError("stopped while waiting for an event");
    }
  }
}

std::shared_ptr<EventLog> EventLog::Create(int64_t epoch, int32_t run, absl::Time start,
                                           OnReaders on_readers, bool continued) {
  return std::shared_ptr<EventLog>(
      new EventLog(epoch, run, start, std::move(on_readers), continued));
}

EventLog::EventLog(int64_t epoch, int32_t run, absl::Time start, OnReaders on_readers,
                   bool continued)
    : base_index_(PackEventIndex({.epoch = epoch, .run = run, .sequence = 0})),
      run_(run),
      start_(start),
      on_readers_(std::move(on_readers)),
      last_index_(base_index_),
      restored_(!continued) {}

void EventLog::Restore(std::vector<TurnEvent> steps) {
  Waiters woken;
  {
    MutexLock lock(mutex_);
    restored_ = true;
    const auto behind_accepted =
        std::partition_point(events_.begin(), events_.end(),
                             [](const TurnEvent& e) { return e.index() <= kAcceptedIndex; });
    for (const TurnEvent& step : steps) {
      if (step.has_step_finished()) keep_through_ = step.index();
      other_bytes_ += kEventBytes + static_cast<int64_t>(step.ByteSizeLong());
    }
    events_.insert(behind_accepted, std::make_move_iterator(steps.begin()),
                   std::make_move_iterator(steps.end()));
    woken = TakeWaiters(true);
  }
  for (const auto& waiter : woken) waiter->woken.Set(true);
}

int64_t EventLog::Reserve() {
  MutexLock lock(mutex_);
  last_index_ += 2;
  return last_index_ - 1;
}

void EventLog::Append(TurnEvent event, absl::Time time) {
  if (event.has_delta() && event.delta().text().empty()) return;
  *event.mutable_time() = ToProto(time);
  Waiters woken;
  {
    MutexLock lock(mutex_);
    if (finished_ || !failed_.ok()) return;
    const bool outcome = IsOutcome(event);
    finished_ = event.has_finished();
    restored_ = restored_ || finished_;
    Keep(std::move(event));
    woken = TakeWaiters(outcome);
  }
  for (const auto& waiter : woken) waiter->woken.Set(true);
}

void EventLog::TellOtherRun(int32_t run, absl::Time time) {
  TurnEvent event;
  {
    MutexLock lock(mutex_);
    const int64_t keep_through = LastStepUpTo(last_index_);
    if (std::none_of(events_.begin(), events_.end(), [&](const TurnEvent& e) {
          return e.has_delta() && e.index() > keep_through;
        })) {
      return;
    }
    event.mutable_restarted()->set_run(run);
    event.mutable_restarted()->set_keep_through_index(keep_through);
  }
  Append(std::move(event), time);
}

void EventLog::Fail(absl::Status status) {
  Waiters woken;
  {
    MutexLock lock(mutex_);
    if (finished_ || !failed_.ok()) return;
    failed_ = std::move(status);
    woken = TakeWaiters(true);
  }
  for (const auto& waiter : woken) waiter->woken.Set(true);
}

absl::StatusOr<std::unique_ptr<EventReader>> EventLog::Attach(int64_t after_index,
                                                              bool outcome_only) {
  bool first = false;
  {
    MutexLock lock(mutex_);
    if (after_index < 0 || after_index > last_index_) {
      return FieldInvalid("after_index", std::to_string(after_index),
                          "0 or the index of an event of this turn");
    }
    first = ++readers_ == 1;
  }
  auto reader =
      std::unique_ptr<EventReader>(new EventReader(shared_from_this(), after_index, outcome_only));
  if (first && on_readers_) on_readers_();
  return reader;
}

int EventLog::readers() const {
  MutexLock lock(mutex_);
  return readers_;
}

int64_t EventLog::text_bytes() const {
  MutexLock lock(mutex_);
  return text_bytes_;
}

int64_t EventLog::memory_bytes() const {
  MutexLock lock(mutex_);
  return text_bytes_ + other_bytes_;
}

chat::v1::Message EventLog::TextOf(int32_t step) const {
  std::map<int32_t, chat::v1::Part> parts;
  {
    MutexLock lock(mutex_);
    for (const TurnEvent& event : events_) {
      if (!event.has_delta() || event.delta().step() != step) continue;
      if (event.delta().kind() == Delta::TOOL_ARGUMENTS) continue;
      AddText(parts[event.delta().part()], event.delta().kind(), event.delta().text());
    }
  }
  chat::v1::Message message;
  message.set_role(chat::v1::ASSISTANT);
  for (auto& [number, part] : parts) *message.add_parts() = std::move(part);
  return message;
}

absl::StatusOr<EventBatch> EventLog::Take(int64_t& cursor, bool outcome_only,
                                          std::shared_ptr<Waiter>& waiter) {
  MutexLock lock(mutex_);
  EventBatch batch = Collect(cursor, outcome_only);
  if (!batch.events.empty() || batch.end) return batch;
  if (!failed_.ok()) return failed_;
  waiter = std::make_shared<Waiter>();
  waiter->outcome_only = outcome_only;
  waiters_.push_back(waiter);
  return batch;
}

void EventLog::Forget(const std::shared_ptr<Waiter>& waiter) {
  MutexLock lock(mutex_);
  waiters_.erase(std::remove(waiters_.begin(), waiters_.end(), waiter), waiters_.end());
}

void EventLog::Detach() {
  bool last = false;
  {
    MutexLock lock(mutex_);
    last = --readers_ == 0;
  }
  if (last && on_readers_) on_readers_();
}

void EventLog::Keep(TurnEvent event) {
  if (event.has_accepted()) {
    event.set_index(kAcceptedIndex);
  } else if (event.index() <= (events_.empty() ? 0 : events_.back().index())) {
    const int64_t size = static_cast<int64_t>(event.delta().text().size());
    event.set_index(last_index_ += std::max<int64_t>(size, 1));
    text_bytes_ += size;
    if (MergeIntoLast(event)) return;
  }
  other_bytes_ += kEventBytes;
  if (!event.has_delta()) other_bytes_ += static_cast<int64_t>(event.ByteSizeLong());
  events_.push_back(std::move(event));
}

bool EventLog::MergeIntoLast(const TurnEvent& event) {
  if (events_.empty()) return false;
  TurnEvent& last = events_.back();
  if (last.has_queued() && event.has_queued()) {
    last = event;
    return true;
  }
  if (!last.has_delta() || !event.has_delta() || !SamePart(last.delta(), event.delta())) {
    return false;
  }
  last.mutable_delta()->mutable_text()->append(event.delta().text());
  last.set_index(event.index());
  *last.mutable_time() = event.time();
  return true;
}

EventBatch EventLog::Collect(int64_t& cursor, bool outcome_only) const {
  EventBatch batch;
  bool restart = !outcome_only && cursor > kAcceptedIndex && cursor < base_index_ && restored_ &&
                 !PENSTOCK_PLANTED_BUG("planted.restart_untold");
  const auto missed = std::partition_point(events_.begin(), events_.end(),
                                           [&](const TurnEvent& e) { return e.index() <= cursor; });
  // Its text was lost, or was of another run.
  if (restart && missed != events_.end() && missed->index() < base_index_ &&
      missed->index() > cursor + 1) {
    batch.events.push_back(RestartedBefore(*missed, cursor));
  }
  size_t room = kMaxDeltaBytes;
  for (auto event = missed; event != events_.end(); ++event) {
    if (!restored_ && !event->has_accepted()) return batch;
    if (restart && event->index() > base_index_) {
      batch.events.push_back(Restarted());
      restart = false;
    }
    if (!event->has_delta()) {
      if (!outcome_only || IsOutcome(*event)) batch.events.push_back(*event);
    } else if (!outcome_only) {
      TurnEvent part = MissedPart(*event, cursor, room);
      const bool whole = part.index() == event->index();
      room -= part.delta().text().size();
      cursor = part.index();
      if (!part.delta().text().empty()) batch.events.push_back(std::move(part));
      if (!whole) return batch;
    }
    cursor = event->index();
  }
  if (restart) batch.events.push_back(Restarted());
  // A reader that has seen the older runs is told once.
  if (restored_ && cursor >= kAcceptedIndex) cursor = std::max(cursor, base_index_);
  batch.end = finished_;
  return batch;
}

TurnEvent EventLog::Restarted() const {
  TurnEvent event;
  event.set_index(base_index_);
  *event.mutable_time() = ToProto(start_);
  event.mutable_restarted()->set_run(run_);
  event.mutable_restarted()->set_keep_through_index(keep_through_);
  return event;
}

TurnEvent EventLog::RestartedBefore(const TurnEvent& step, int64_t cursor) const {
  TurnEvent event;
  event.set_index(step.index() - 1);
  *event.mutable_time() = step.time();
  // The index has the last 8 bits.
  const int64_t later = (run_ - UnpackEventIndex(step.index()).run) & 0xff;
  event.mutable_restarted()->set_run(run_ - static_cast<int32_t>(later));
  event.mutable_restarted()->set_keep_through_index(LastStepUpTo(cursor));
  return event;
}

int64_t EventLog::LastStepUpTo(int64_t index) const {
  int64_t last = kAcceptedIndex;
  for (const TurnEvent& event : events_) {
    if (event.index() > index) break;
    if (event.has_step_finished()) last = event.index();
  }
  return last;
}

EventLog::Waiters EventLog::TakeWaiters(bool also_outcome_only) {
  Waiters taken;
  const auto kept = std::partition(waiters_.begin(), waiters_.end(), [&](const auto& waiter) {
    return waiter->outcome_only && !also_outcome_only;
  });
  std::move(kept, waiters_.end(), std::back_inserter(taken));
  waiters_.erase(kept, waiters_.end());
  return taken;
}

}  // namespace penstock::dispatcher
