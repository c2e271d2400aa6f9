// How a turn ends, before session-state has said so.
#pragma once

#include <optional>

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/dispatcher/turn/live_turn.h"

#include "absl/status/status.h"

namespace penstock::dispatcher {

struct Ending {
  // Terminal, with all that is to be stored.
  chat::v1::Turn turn;
  // BeginTurn has stored the input.
  bool begun = false;
  // session-state had ended it already: nothing to commit.
  bool stored = false;
  // What the model's last answer was, to be kept if the commit is late.
  std::optional<v1::Generated> generated = std::nullopt;
};

// Every ending holds the turn's finished steps, with an error result for each call that is open,
// and what all its attempts took: LiveTurn::Spend comes first.

// The provider's whole answer, after the steps.
Ending Succeeded(const LiveTurn& turn, provider::v1::GenerateFinished finished, absl::Time now);

// `failed` as Turn.error, with the text of the step under way as partial output.
Ending Failed(LiveTurn& turn, const provider::v1::GenerateFailed& failed, absl::Time now);

// CANCELLED or EXPIRED, by the reason the turn was stopped for. Text of the step under way is kept
// as partial output unless the caller discards it. Finished steps are durable and stay.
Ending Stopped(LiveTurn& turn, bool begun, absl::Time now);

// EXPIRED before its deadline, without the next call: such calls take `call`, and it would come too
// late.
Ending Doomed(const LiveTurn& turn, absl::Duration call, absl::Time now);

// FAILED before any call, with this ErrorKind.
Ending Refused(LiveTurn& turn, bool begun, chat::v1::ErrorKind kind, absl::string_view message,
               absl::Time now);

// The answer that ends `step`, or asks for its tools, as the journal keeps it.
v1::Generated GeneratedOf(const chat::v1::Step& step, chat::v1::FinishReason reason,
                          const std::string& model, absl::Time now);

// As Turn.error: the gRPC code that belongs to the kind, ErrorInfo.reason its name.
absl::Status ErrorOf(chat::v1::ErrorKind kind, absl::string_view message);

}  // namespace penstock::dispatcher
