#include "tests/harness/follower.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "tests/harness/repeat.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;

constexpr absl::Duration kToolsLast = absl::Milliseconds(200);

std::string TextOf(const chat::v1::Message& message) {
  std::string text;
  for (const auto& part : message.parts()) absl::StrAppend(&text, part.text().text());
  return text;
}

std::optional<SeenEvent> Seen(const TurnEvent& event) {
  using Kind = SeenEvent::Kind;
  SeenEvent seen{.index = event.index()};
  switch (event.event_case()) {
    case TurnEvent::kAccepted:
      seen.kind = Kind::kAccepted;
      return seen;
    case TurnEvent::kQueued:
      seen.kind = Kind::kQueued;
      return seen;
    case TurnEvent::kStarted:
      seen.kind = Kind::kStarted;
      seen.run = event.started().run();
      return seen;
    case TurnEvent::kDelta:
      seen.kind = Kind::kDelta;
      if (event.delta().kind() == chat::v1::Delta::TEXT) seen.text = event.delta().text();
      return seen;
    case TurnEvent::kStepFinished:
      seen.kind = Kind::kStepFinished;
      seen.text = TextOf(event.step_finished().message());
      seen.step = event.step_finished().step();
      return seen;
    case TurnEvent::kToolCallsRequested:
      seen.kind = Kind::kToolCallsRequested;
      seen.step = event.tool_calls_requested().step();
      return seen;
    case TurnEvent::kRestarted:
      seen.kind = Kind::kRestarted;
      seen.run = event.restarted().run();
      seen.keep_through = event.restarted().keep_through_index();
      return seen;
    case TurnEvent::kFinished:
      seen.kind = Kind::kFinished;
      seen.text = OutputText(event.finished().turn());
      seen.state = event.finished().turn().state();
      return seen;
    case TurnEvent::EVENT_NOT_SET:
      return std::nullopt;
  }
}

}  // namespace

Outcome OutcomeOf(const Turn& turn, absl::string_view source) {
  return {.turn = turn.name(),
          .state = turn.state(),
          .output = OutputText(turn),
          .source = std::string(source),
          .time = absl::Now()};
}

std::string ResultOf(const std::string& turn, const chat::v1::ToolCall& call) {
  return absl::StrCat("result of ", call.id(), " in ", turn);
}

void Follower::See(const TurnEvent& event) {
  if (auto seen = Seen(event)) watch_.events.push_back(*std::move(seen));
  if (event.has_accepted()) watch_.turn = event.accepted().turn();
  if (event.has_tool_calls_requested()) RunTools(event.tool_calls_requested());
  if (event.has_finished()) {
    finished_ = true;
    ledger_.TellOutcome(OutcomeOf(event.finished().turn(), "WatchTurn"));
  }
}

void Follower::RunTools(const chat::v1::ToolCallsRequested& asked) {
  ToolWait wait{.turn = watch_.turn, .step = asked.step(), .asked = absl::Now()};
  gateway::v1::SubmitToolResultsRequest request;
  request.set_name(watch_.turn);
  request.set_request_id(absl::StrCat("results-", watch_.turn, "-", asked.step()));
  for (const auto& call : asked.calls()) {
    auto& result = *request.add_results();
    result.set_tool_call_id(call.id());
    result.set_content(wait.results.emplace_back(ResultOf(watch_.turn, call)));
  }
  std::this_thread::sleep_for(absl::ToChronoMilliseconds(kToolsLast));
  for (int times = 0; times < 2; ++times) {
    const auto answered = UntilKnown(give_up_, [&] {
      return caller_.Call(caller_.turns(), &gateway::v1::Turns::Stub::SubmitToolResults, request,
                          kCallTimeout);
    });
    if (!answered.ok()) break;
    wait.answered = std::min(wait.answered, absl::Now());
  }
  ledger_.AddToolWait(std::move(wait));
}

absl::Status Follower::Follow(const std::string& turn) && {
  watch_.turn = turn;
  gateway::v1::WatchTurnRequest request;
  request.set_name(turn);
  absl::Status status;
  while (!finished_ && absl::Now() < give_up_) {
    request.set_after_index(watch_.events.empty() ? 0 : watch_.events.back().index);
    const auto see = [&](const TurnEvent& event) {
      See(event);
      return true;
    };
    status = caller_.WatchTurn(request, see, give_up_ - absl::Now());
    if (absl::IsNotFound(status)) break;
    if (!finished_) WaitToRepeat(status);
  }
  ledger_.AddWatch(std::move(watch_));
  if (finished_) return absl::OkStatus();
  if (absl::IsNotFound(status)) return status;
  return absl::DeadlineExceededError(
      absl::StrCat(turn, ": no end was told; the last stream ended with ", status.ToString()));
}

}  // namespace penstock::harness
