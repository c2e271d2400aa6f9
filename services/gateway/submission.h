// A public request for a turn, as the dispatcher wants it.
#pragma once

#include <string>

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/dispatcher/v1/dispatcher.pb.h"
#include "services/gateway/caller.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::gateway {

struct Submission {
  dispatcher::v1::SubmitTurnRequest request;
  // The caller gave no request_id: only the gateway can repeat the request.
  bool id_made_here = false;
};

// `session` empty: a new session. With a request_id its name follows from user and request_id
// alone, so that the repeated request means the same session; without one it is new each time.
// `deadline` is that of the turn. DEADLINE_EXCEEDED (DEADLINE_IN_PAST) when it has passed.
absl::StatusOr<Submission> MakeSubmission(const Caller& caller, std::string session,
                                          std::string request_id, chat::v1::TurnSpec turn,
                                          absl::Time deadline, absl::Time now);

}  // namespace penstock::gateway
