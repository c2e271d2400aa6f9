// What two requests of the same request_id must have in common.
#pragma once

#include <string>

#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/turn/steps.h"

#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

// A version byte, then SHA-256 of the request's meaning: session id and spec, serialised in a fixed
// order, maps sorted, without fields this binary does not know. Deadline, job or not, and trace are
// no part of it, so a request may be repeated by another RPC with another timeout.
//
// Version 1: SHA-256(u32be length of session id · session id · spec).
std::string RequestDigest(absl::string_view session_id, const chat::v1::TurnSpec& spec);

// The same of tool results, in any order.
//
// Version 1: SHA-256("tool results" · u32be length of turn name · turn name · each result by its
// tool_call_id: u32be length · result).
std::string ToolResultsDigest(absl::string_view turn_name, const Steps::Results& results);

}  // namespace penstock::dispatcher
