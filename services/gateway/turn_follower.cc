#include "services/gateway/turn_follower.h"

#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"
#include "libs/base/log.h"
#include "libs/base/refusal.h"
#include "services/gateway/public_status.h"

#include "absl/hash/hash.h"

namespace penstock::gateway {
namespace {

using chat::v1::TurnEvent;

// How long a request whose id only the gateway knows is sent again.
constexpr absl::Duration kRepeatFor = absl::Seconds(10);
// A stream that has been open for so long was answered by a dispatcher, even if nothing came.
constexpr absl::Duration kSurelyOpen = absl::Seconds(1);

// The turn lives on: with another dispatcher, or with this one when it is back.
bool LivesOn(const absl::Status& status) {
  return IsBroken(status) || (absl::IsUnavailable(status) && !ReasonOf(status).empty());
}

absl::Status Gone() { return absl::CancelledError("the caller has gone"); }

}  // namespace

TurnFollower::TurnFollower(const FollowerParts& parts, const Caller& caller, Submission submission,
                           bool outcome_only)
    : parts_(parts),
      caller_(caller),
      submission_(std::move(submission)),
      outcome_only_(outcome_only),
      started_(parts.clock.Monotonic()),
      backoff_(absl::HashOf(submission_->request.request_id())) {}

TurnFollower::TurnFollower(const FollowerParts& parts, const Caller& caller, std::string name,
                           int64_t after_index)
    : parts_(parts),
      caller_(caller),
      outcome_only_(false),
      started_(parts.clock.Monotonic()),
      backoff_(absl::HashOf(name)),
      name_(std::move(name)),
      last_index_(after_index) {}

Awaitable<absl::StatusOr<std::optional<TurnEvent>>> TurnFollower::Next() {
  if (finished_) co_return std::nullopt;
  while (true) {
    if (stream_ == nullptr) Open();
    absl::StatusOr<std::optional<TurnEvent>> next = co_await stream_->Next();
    if (caller_.stop.stop_requested()) co_return Gone();
    if (next.ok() && next->has_value()) {
      if (IsOld(**next)) continue;
      Note(**next);
      co_return next;
    }
    const absl::Status broken =
        next.ok() ? absl::UnavailableError("the stream ended before the turn") : next.status();
    in_contact_ = in_contact_ || IsUp();
    PENSTOCK_CO_RETURN_IF_ERROR(MayReopen(broken));
    LeaveBacklog();
    stream_.reset();
    if (!co_await SleepOrStop(parts_.timers, backoff_.Next(), caller_.stop)) co_return Gone();
  }
}

void TurnFollower::Cancel() {
  if (stream_ != nullptr) stream_->Cancel();
}

void TurnFollower::Open() {
  opened_ = parts_.clock.Monotonic();
  if (name_.empty()) {
    dispatcher::v1::StreamTurnRequest request;
    *request.mutable_submit() = submission_->request;
    request.set_outcome_only(outcome_only_);
    stream_ = parts_.downstream.StreamTurn(caller_, std::move(request));
    return;
  }
  if (in_contact_) parts_.reattachments.Increment();
  dispatcher::v1::WatchTurnRequest request;
  request.set_name(name_);
  request.set_after_index(last_index_);
  request.set_outcome_only(outcome_only_);
  stream_ = parts_.downstream.WatchTurn(caller_, std::move(request));
}

void TurnFollower::Note(const TurnEvent& event) {
  last_index_ = event.index();
  in_contact_ = true;
  backoff_.Reset();
  if (event.has_accepted()) {
    name_ = event.accepted().turn();
    submission_.reset();
    LeaveBacklog();
  }
  finished_ = event.has_finished();
}

void TurnFollower::LeaveBacklog() const {
  if (caller_.submitting != nullptr) caller_.submitting->Leave();
}

bool TurnFollower::IsUp() const { return parts_.clock.Monotonic() - opened_ >= kSurelyOpen; }

absl::Status TurnFollower::MayReopen(const absl::Status& broken) const {
  const bool accepted = !name_.empty();
  const absl::Status shown = PublicStatus(broken, identity::kDispatcherAudience, caller_.trace);
  if (accepted) return in_contact_ && LivesOn(broken) ? absl::OkStatus() : shown;
  if (!submission_->id_made_here || !IsForSuccessor(broken)) return shown;
  if (parts_.clock.Monotonic() - started_ < kRepeatFor) return absl::OkStatus();
  return UnknownFate(submission_->request.request_id());
}

}  // namespace penstock::gateway
