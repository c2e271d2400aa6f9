// The records of session-state's store: how they are read, written and changed. Pure.
#pragma once

#include <string>

#include "libs/rocksdb/write_batch.h"
#include "penstock/chat/v1/session.pb.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/session/v1/stored.pb.h"
#include "services/session_state/session_keys.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::session_state {

// A frame around a record of this version of the format.
std::string Encode(const google::protobuf::MessageLite& record);
// kDataLoss, or kFailedPrecondition when a newer version wrote it.
absl::Status Decode(absl::string_view stored, google::protobuf::MessageLite& record);

absl::Time FromProto(const google::protobuf::Timestamp& time);
google::protobuf::Timestamp ToProto(absl::Time time);
absl::Duration FromProto(const google::protobuf::Duration& duration);
google::protobuf::Duration ToProto(absl::Duration duration);

// kDataLoss when a record found under the hash of `asked` belongs to another id.
absl::Status CheckSameId(absl::string_view asked, absl::string_view found);

bool IsTerminal(chat::v1::Turn::State state);

// Of a session that is made now, version 1.
session::v1::StoredSession NewSession(absl::string_view session_id, absl::string_view agent,
                                      absl::Duration idle_ttl, absl::Time now);

// It was used or changed: update_time, and expire_time from idle_ttl.
void Touch(session::v1::StoredSession& stored, absl::Time now);

bool Older(const session::v1::Fence& fence, const session::v1::Fence& than);
// Keeps the highest; false when nothing changed.
bool RaiseFence(session::v1::StoredSession& stored, const session::v1::Fence& fence);

// A turn that the session has not seen before.
void CountTurn(session::v1::StoredSession& stored, int64_t sequence);

// As the API shows it.
chat::v1::Session ToPublic(const session::v1::StoredSession& stored);
std::string Etag(const session::v1::StoredSession& stored);

// Writes the session and its rows in the indexes. `stored.due_second` follows expire_time only
// forwards in time when the sweeper meets the row, so that a turn does not rewrite the index.
void PutSession(rocks::WriteBatch& batch, const SessionKey& key,
                session::v1::StoredSession& stored);
void DeleteSessionRows(rocks::WriteBatch& batch, const SessionKey& key,
                       const session::v1::StoredSession& stored);

// Where a turn is found by its id, and how many steps are kept of it: written when the turn is
// first seen, and when the steps change.
void PutTurnId(rocks::WriteBatch& batch, const SessionKey& key, absl::string_view turn_id,
               int64_t sequence, int32_t steps);
// Of a turn that ends: its steps go, and stand no more with its id.
void DeleteSteps(rocks::WriteBatch& batch, const SessionKey& key, absl::string_view turn_id,
                 int64_t sequence, int32_t steps);
// A turn that the session has not seen before, with its PutTurnId.
void PutBegunTurn(rocks::WriteBatch& batch, const SessionKey& key, absl::string_view turn_id,
                  const chat::v1::Turn& turn);
// The outcome in place of what was begun, and the row by which the lists find it.
void PutEndedTurn(rocks::WriteBatch& batch, const SessionKey& key, absl::string_view turn_id,
                  const chat::v1::Turn& turn);

// What is stored of an ended turn: the outcome as committed, with the input and the acceptance as
// begun.
chat::v1::Turn EndedTurn(chat::v1::Turn begun, chat::v1::Turn committed);

}  // namespace penstock::session_state
