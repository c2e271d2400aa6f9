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
    case chat::v1::INVALID_REQUEST:
      return absl::StatusCode::kInvalidArgument;
    case chat::v1::CONTENT_POLICY:
      return absl::StatusCode::kFailedPrecondition;
    case chat::v1::DEADLINE:
      return absl::StatusCode::kDeadlineExceeded;
    default:
      return absl::StatusCode::kInternal;
  }
}

Ending Terminal(const LiveTurn& turn, bool begun, Turn::State state, absl::Time now) {
  Ending ending;
  ending.turn = turn.Snapshot();
  ending.turn.set_state(state);
  ending.begun = begun;
  // session-state has the input since BeginTurn.
  if (begun) ending.turn.clear_input();
  *ending.turn.mutable_end_time() = ToProto(now);
  return ending;
}

// UTF-8 bytes of a message's text.
int64_t TextBytes(const chat::v1::Message& message) {
  int64_t bytes = 0;
  for (const auto& part : message.parts()) {
    bytes += static_cast<int64_t>(part.text().text().size() + part.reasoning().text().size() +
                                  part.refusal().text().size());
  }
  return bytes;
}

void KeepPartialOutput(LiveTurn& turn, Ending& ending) {
  chat::v1::Message partial = turn.log().TextOf(0);
  if (partial.parts().empty() || turn.discard_output()) return;
  *ending.turn.add_output() = std::move(partial);
  ending.turn.set_output_partial(true);
}

}  // namespace

absl::Status ErrorOf(chat::v1::ErrorKind kind, absl::string_view message) {
  return Refusal(CodeOf(kind), chat::v1::ErrorKind_Name(kind), message);
}

Ending Succeeded(const LiveTurn& turn, provider::v1::GenerateFinished finished, absl::Time now) {
  Ending ending = Terminal(turn, /*begun=*/true, Turn::SUCCEEDED, now);
  *ending.turn.add_output() = std::move(*finished.mutable_message());
  ending.turn.set_finish_reason(finished.finish_reason());
  *ending.turn.mutable_usage() = finished.usage();
  if (finished.has_cost_nano_usd()) ending.turn.set_cost_nano_usd(finished.cost_nano_usd());
  return ending;
}

Ending Failed(LiveTurn& turn, const provider::v1::GenerateFailed& failed, absl::Time now) {
  Ending ending = Terminal(turn, /*begun=*/true, Turn::FAILED, now);
  *ending.turn.mutable_error() = ToRpcStatus(ErrorOf(failed.kind(), failed.message()));
  if (failed.has_usage()) *ending.turn.mutable_usage() = failed.usage();
  if (failed.has_cost_nano_usd()) ending.turn.set_cost_nano_usd(failed.cost_nano_usd());
  KeepPartialOutput(turn, ending);
  return ending;
}

Ending Stopped(LiveTurn& turn, bool begun, int64_t input_tokens_sent, absl::Time now) {
  const bool expired = turn.stop_reason() == StopReason::kDeadline;
  Ending ending = Terminal(turn, begun, expired ? Turn::EXPIRED : Turn::CANCELLED, now);
  if (expired) {
    *ending.turn.mutable_error() = ToRpcStatus(ErrorOf(
        chat::v1::DEADLINE, absl::StrCat("the turn's deadline, ", absl::FormatTime(turn.deadline()),
                                         ", passed before its answer was complete")));
  }
  if (input_tokens_sent > 0) {
    auto* usage = ending.turn.mutable_usage();
    usage->set_input_tokens(input_tokens_sent);
    usage->set_output_tokens((TextBytes(turn.log().TextOf(0)) + 3) / 4);
    usage->set_estimated(true);
  }
  KeepPartialOutput(turn, ending);
  return ending;
}

Ending Refused(LiveTurn& turn, bool begun, chat::v1::ErrorKind kind, absl::string_view message,
               absl::Time now) {
  Ending ending = Terminal(turn, begun, Turn::FAILED, now);
  *ending.turn.mutable_error() = ToRpcStatus(ErrorOf(kind, message));
  return ending;
}

}  // namespace penstock::dispatcher
