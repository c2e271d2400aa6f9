#include "services/dispatcher/turn/generate_attempt.h"

#include <string>
#include <utility>

#include "libs/base/failpoint.h"
#include "services/dispatcher/turn/prepare_turn.h"

namespace penstock::dispatcher {
namespace {

using provider::v1::GenerateEvent;

void AppendDelta(const TurnServices& services, LiveTurn& turn, int32_t first_part,
                 provider::v1::GenerateDelta& delta) {
  turn.MarkFirstOutput();
  chat::v1::TurnEvent event;
  auto* told = event.mutable_delta();
  told->set_step(turn.step());
  told->set_part(first_part + delta.part());
  told->set_kind(delta.kind());
  told->set_text(std::move(*delta.mutable_text()));
  turn.log().Append(std::move(event), services.clock.Now());
}

// The stream broke, or ended without an end. `seen`: the adapter had said something before.
AttemptOutcome Broken(const TurnServices& services, const absl::Status& status, bool seen,
                      AttemptOutcome outcome) {
  if (!seen && IsTransient(status)) {
    outcome.kind = AttemptOutcome::Kind::kNotTaken;
    return outcome;
  }
  outcome.kind = AttemptOutcome::Kind::kFailed;
  outcome.adapter_lost = true;
  outcome.failed.set_message(std::string(status.message()));
  if (seen) {
    services.metrics.lost_streams.Increment();
    outcome.failed.set_kind(chat::v1::STREAM_TRUNCATED);
  } else {
    outcome.failed.set_kind(chat::v1::INVALID_REQUEST);
  }
  return outcome;
}

}  // namespace

Awaitable<AttemptOutcome> GenerateAttempt(const TurnServices& services, LiveTurn& turn,
                                          provider::v1::GenerateRequest request,
                                          const BoundedAnswer& answer, Permit& permit) {
  AttemptOutcome outcome;
  int32_t first_part = 0;
  bool seen = false;
  const std::string model = request.model();
  const absl::Duration began = services.clock.Monotonic();
  const auto stream =
      services.peers.provider.Generate(CallFor(turn, turn.deadline()), std::move(request));
  while (true) {
    auto event = co_await stream->Next();
    if (turn.stop_token().stop_requested()) {
      outcome.kind = AttemptOutcome::Kind::kStopped;
      co_return outcome;
    }
    if (!event.ok()) co_return Broken(services, event.status(), seen, std::move(outcome));
    if (!event->has_value()) {
      co_return Broken(services, absl::AbortedError("the adapter's stream ended without an end"),
                       /*seen=*/true, std::move(outcome));
    }
    seen = true;
    GenerateEvent& told = **event;
    switch (told.event_case()) {
      case GenerateEvent::kStarted:
        if (told.started().has_limits()) permit.Answered(told.started().limits());
        break;
      case GenerateEvent::kDelta:
        if (!std::exchange(outcome.any_delta, true)) {
          permit.FirstOutput();
          first_part = answer.FirstPart(told.delta().kind());
        }
        PENSTOCK_FAILPOINT("dispatcher.before_delta");
        AppendDelta(services, turn, first_part, *told.mutable_delta());
        break;
      case GenerateEvent::kFinished:
        services.forecast.LearnCall(turn.submitted().agent(), model,
                                    services.clock.Monotonic() - began);
        outcome.kind = AttemptOutcome::Kind::kFinished;
        outcome.finished = std::move(*told.mutable_finished());
        co_return outcome;
      case GenerateEvent::kFailed:
        outcome.failed = std::move(*told.mutable_failed());
        outcome.kind = outcome.failed.not_sent() ? AttemptOutcome::Kind::kNotSent
                                                 : AttemptOutcome::Kind::kFailed;
        co_return outcome;
      default:
        break;  // what newer adapters may say
    }
  }
}

}  // namespace penstock::dispatcher
