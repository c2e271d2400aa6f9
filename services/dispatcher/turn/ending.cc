#include "services/dispatcher/turn/ending.h"

#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Turn;

absl::StatusCode CodeOf(chat::v1::ErrorKind kind) {
  switch (kind) {
    case chat::v1::PROVIDER_RATE_LIMITED:
    case chat::v1::PROVIDER_QUOTA:
      return absl::StatusCode::kResourceExhausted;
    case chat::v1::PROVIDER_OVERLOADED:
    case chat::v1::PROVIDER_INTERNAL:
    case chat::v1::PROVIDER_TIMEOUT:
    case chat::v1::PROVIDER_UNREACHABLE:
      return absl::StatusCode::kUnavailable;
    case chat::v1::STREAM_TRUNCATED:
      return absl::StatusCode::kAborted;
    case chat::v1::CONTEXT_WINDOW:
    case chat::v1::IMPOSSIBLE_COST:
    case chat::v1::INVALID_REQUEST:
      return absl::StatusCode::kInvalidArgument;
    case chat::v1::CONTENT_POLICY:
      return absl::StatusCode::kFailedPrecondition;
    case chat::v1::DEADLINE:
    case chat::v1::TOOL_TIMEOUT:
      return absl::StatusCode::kDeadlineExceeded;
    default:
      return absl::StatusCode::kInternal;
  }
}

// `why`: what the calls are told that nobody answered.
Ending Terminal(const LiveTurn& turn, bool begun, Turn::State state, absl::string_view why,
                absl::Time now) {
  Ending ending;
  ending.turn = turn.Snapshot();
  ending.turn.set_state(state);
  ending.turn.clear_pending_tool_calls();
  ending.turn.clear_output();
  Steps steps = turn.steps();
  steps.CloseOpenCalls(why);
  for (auto& message : steps.Messages()) *ending.turn.add_output() = std::move(message);
  ending.begun = begun;
  // session-state has the input since BeginTurn.
  if (begun) ending.turn.clear_input();
  *ending.turn.mutable_end_time() = ToProto(now);
  return ending;
}

void Fail(Ending& ending, chat::v1::ErrorKind kind, absl::string_view message) {
  *ending.turn.mutable_error() = ToRpcStatus(ErrorOf(kind, message));
}

void KeepPartialOutput(LiveTurn& turn, Ending& ending) {
  chat::v1::Message partial = turn.log().TextOf(turn.step());
  if (partial.parts().empty() || turn.discard_output()) return;
  *ending.turn.add_output() = std::move(partial);
  ending.turn.set_output_partial(true);
}

}  // namespace

absl::Status ErrorOf(chat::v1::ErrorKind kind, absl::string_view message) {
  return Refusal(CodeOf(kind), chat::v1::ErrorKind_Name(kind), message);
}

Ending Succeeded(const LiveTurn& turn, provider::v1::GenerateFinished finished, absl::Time now) {
  Ending ending = Terminal(turn, /*begun=*/true, Turn::SUCCEEDED, "", now);
  ending.turn.set_finish_reason(finished.finish_reason());
  const chat::v1::Step last = turn.steps().Current(finished.message());
  ending.generated = GeneratedOf(last, finished.finish_reason(), ending.turn.model(), now);
  *ending.turn.add_output() = std::move(*finished.mutable_message());
  return ending;
}

Ending Failed(LiveTurn& turn, const provider::v1::GenerateFailed& failed, absl::Time now) {
  Ending ending = Terminal(turn, /*begun=*/true, Turn::FAILED, "The turn failed.", now);
  Fail(ending, failed.kind(), failed.message());
  KeepPartialOutput(turn, ending);
  return ending;
}

Ending Stopped(LiveTurn& turn, bool begun, absl::Time now) {
  Ending ending;
  switch (turn.stop_reason()) {
    case StopReason::kDeadline:
      ending = Terminal(turn, begun, Turn::EXPIRED,
                        "The turn's deadline passed before this call had a result.", now);
      Fail(ending, chat::v1::DEADLINE,
           absl::StrCat("the turn's deadline, ", absl::FormatTime(turn.deadline()),
                        ", passed before its answer was complete"));
      break;
    case StopReason::kToolTimeout:
      ending = Terminal(turn, begun, Turn::EXPIRED, "No result came in time.", now);
      Fail(ending, chat::v1::TOOL_TIMEOUT,
           "the results of the turn's tool calls did not come within turn.tool_timeout");
      break;
    default:
      ending = Terminal(turn, begun, Turn::CANCELLED,
                        "The turn was cancelled before this call had a result.", now);
  }
  KeepPartialOutput(turn, ending);
  return ending;
}

Ending Doomed(const LiveTurn& turn, absl::Duration call, absl::Time now) {
  constexpr absl::string_view kWhy = "The turn's deadline passed before this call had a result.";
  Ending ending = Terminal(turn, /*begun=*/true, Turn::EXPIRED, kWhy, now);
  Fail(ending, chat::v1::DEADLINE,
       absl::StrCat("the model was not called: its answers take about ", absl::FormatDuration(call),
                    ", and the turn's deadline is ", absl::FormatTime(turn.deadline())));
  return ending;
}

Ending Refused(LiveTurn& turn, bool begun, chat::v1::ErrorKind kind, absl::string_view message,
               absl::Time now) {
  Ending ending = Terminal(turn, begun, Turn::FAILED, "The turn failed.", now);
  Fail(ending, kind, message);
  return ending;
}

v1::Generated GeneratedOf(const chat::v1::Step& step, chat::v1::FinishReason reason,
                          const std::string& model, absl::Time now) {
  v1::Generated generated;
  *generated.mutable_message() = step.message();
  generated.set_finish_reason(reason);
  *generated.mutable_usage() = step.usage();
  if (step.has_cost_nano_usd()) generated.set_cost_nano_usd(step.cost_nano_usd());
  generated.set_model(model);
  generated.set_step(step.step());
  *generated.mutable_time() = ToProto(now);
  generated.set_index(step.index());
  return generated;
}

}  // namespace penstock::dispatcher
