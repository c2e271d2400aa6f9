// What a request to session-state may hold. Refusals name the field, what was found, what is
// allowed.
#pragma once

#include <google/protobuf/field_mask.pb.h>

#include "penstock/chat/v1/session.pb.h"
#include "penstock/session/v1/session_state.pb.h"
#include "services/session_state/session_store.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::session_state {

// "agents/{agent}", or empty.
absl::Status CheckAgent(absl::string_view agent, absl::string_view field);
// Empty, or 1 to 128 printable ASCII characters.
absl::Status CheckRequestId(absl::string_view request_id);
absl::Status CheckFence(const session::v1::Fence& fence);
// A step as AppendStep takes it.
absl::Status CheckStep(const chat::v1::Step& step);
// A turn as BeginTurn takes it, and CommitTurn of one that never began.
absl::Status CheckAccepted(const chat::v1::Turn& turn, absl::string_view field);
// The fields that a caller may set.
absl::Status CheckSessionFields(const chat::v1::Session& session);

// 0: 50. More than 1,000: 1,000.
absl::StatusOr<int> PageSize(int32_t page_size);

// Ended states, each once, in order. FIELD_INVALID for any other.
absl::StatusOr<std::vector<chat::v1::Turn::State>> CheckStates(
    const google::protobuf::RepeatedField<int>& states);

// What `session` changes: the fields of the mask, or those that are set when it is empty. A field
// of the mask that is not set becomes empty, idle_ttl `default_idle_ttl`.
absl::StatusOr<SessionChanges> ChangesOf(const chat::v1::Session& session,
                                         const google::protobuf::FieldMask& mask,
                                         absl::Duration default_idle_ttl);

}  // namespace penstock::session_state
