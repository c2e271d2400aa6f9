// Why a turn is stopped. The first reason counts, but for kOwnerMoved, which overrides the others.
#pragma once

namespace penstock::dispatcher {

enum class StopReason {
  kNone,
  // CancelTurn, or the deletion of its session.
  kCancelled,
  // Nobody watched it for turn.disconnect_grace.
  kUnwatched,
  kDeadline,
  // Its tools were not answered within turn.tool_timeout.
  kToolTimeout,
  // This dispatcher no longer owns the shard, or it is shutting down: the turn goes on elsewhere.
  kOwnerMoved,
};

}  // namespace penstock::dispatcher
