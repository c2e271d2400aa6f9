// The reasons of refusals that callers know: the table of the API, and nothing else.
#pragma once

#include "absl/strings/string_view.h"

namespace penstock::gateway {

inline constexpr absl::string_view kPublicReasons[] = {
    // INVALID_ARGUMENT
    "FIELD_INVALID",
    "TOO_LARGE",
    "REQUEST_ID_REUSED",
    "IMPOSSIBLE_COST",
    // UNAUTHENTICATED: of the caller's token, so only the gateway itself gives them
    "TOKEN_MISSING",
    "TOKEN_MALFORMED",
    "TOKEN_EXPIRED",
    "TOKEN_SIGNATURE",
    "TOKEN_ALGORITHM",
    "TOKEN_AUDIENCE",
    "TOKEN_ISSUER",
    "TOKEN_NOT_YET_VALID",
    "TOKEN_KEY_UNKNOWN",
    "TOKEN_TENANT",
    "ACT_AS_REQUIRED",
    // PERMISSION_DENIED
    "SCOPE_MISSING",
    "OVERRIDE_FORBIDDEN",
    // NOT_FOUND, ALREADY_EXISTS
    "SESSION_NOT_FOUND",
    "TURN_NOT_FOUND",
    "MEMORY_NOT_FOUND",
    "AGENT_NOT_FOUND",
    "SESSION_EXISTS",
    // ABORTED
    "VERSION_MISMATCH",
    "SESSION_BUSY",
    // FAILED_PRECONDITION
    "TOOL_CALL_MISMATCH",
    "TURN_NOT_AWAITING_TOOLS",
    // RESOURCE_EXHAUSTED
    "USER_RATE",
    "USER_BUDGET",
    "TENANT_BUDGET",
    "QUEUE_FULL",
    "WAIT_TOO_LONG",
    "SESSION_QUEUE_FULL",
    "SLOW_READER",
    "OVERLOADED",
    "MEMORY_LIMIT",
    // UNAVAILABLE
    "DRAINING",
    "OWNER_MOVED",
    "STORE_UNAVAILABLE",
    // DEADLINE_EXCEEDED
    "DEADLINE_IN_PAST",
};

}  // namespace penstock::gateway
