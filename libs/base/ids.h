// Ids and resource names.
//
// Ids are [A-Za-z0-9._~-]{1,64}. Those made by the server are UUIDv7 (RFC 9562), so they sort by
// time.
#pragma once

#include <string>

#include "libs/base/random.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock {

// A UUIDv7 in the usual 36 characters: 48 bits of `now` in ms, the rest from `random`. Thread-safe.
// Two of the same millisecond are in random order.
std::string NewId(absl::Time now, Random& random = SystemRandom());

// [A-Za-z0-9._~-]{1,64}, and neither "." nor ".." nor "-", which names all sessions.
bool IsValidId(absl::string_view id);

std::string SessionName(absl::string_view session_id);
std::string TurnName(absl::string_view session_id, absl::string_view turn_id);
std::string MemoryName(absl::string_view memory_id);

struct TurnIds {
  std::string session;
  std::string turn;
};

// The id of "sessions/{session}". FIELD_INVALID naming `field` otherwise.
absl::StatusOr<std::string> ParseSessionName(absl::string_view name, absl::string_view field);
// The ids of "sessions/{session}/turns/{turn}".
absl::StatusOr<TurnIds> ParseTurnName(absl::string_view name, absl::string_view field);
// The id of "memories/{memory}".
absl::StatusOr<std::string> ParseMemoryName(absl::string_view name, absl::string_view field);
// The id of "agents/{agent}".
absl::StatusOr<std::string> ParseAgentName(absl::string_view name, absl::string_view field);

}  // namespace penstock
