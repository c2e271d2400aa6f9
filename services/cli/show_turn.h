// Shows one turn on the console until it ends.
#pragma once

#include "services/cli/console.h"
#include "services/cli/happenings.h"
#include "services/cli/stream_view.h"
#include "services/cli/tool_runner.h"
#include "services/cli/turn_stream.h"

namespace penstock::cli {

enum class TurnOutcome {
  kSucceeded,
  // FAILED, EXPIRED or cancelled by somebody else; refused; or the stream broke for good.
  kFailed,
  // Ctrl-C, and then the turn ended.
  kInterrupted,
  // Ctrl-C again, before the turn had ended.
  kLeft,
};

// Takes from `happenings` what `stream` puts there. The first Ctrl-C cancels the turn and shows
// what it kept; the second one leaves. What the model calls is run by `tools`; without them it is
// only shown.
TurnOutcome ShowTurn(TurnStream& stream, Happenings& happenings, const StreamStyle& style,
                     Console& console, ToolRunner* tools = nullptr);

// The turn's end as an exit code.
int ExitCodeOf(TurnOutcome outcome);

}  // namespace penstock::cli
