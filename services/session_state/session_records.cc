#include "services/session_state/session_records.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/rocksdb/frame.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Session;
using chat::v1::Turn;
using session::v1::StoredSession;
using session::v1::StoredTurnEntry;
using session::v1::StoredTurnPosition;

constexpr uint8_t kWrittenVersion = 1;
constexpr rocks::RecordVersions kReadVersions{.oldest_read = 1, .newest_read = 2};

}  // namespace

std::string Encode(const google::protobuf::MessageLite& record) {
  return rocks::Frame(kWrittenVersion, record);
}

absl::Status Decode(absl::string_view stored, google::protobuf::MessageLite& record) {
  return rocks::ParseFramed(stored, kReadVersions, record);
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>((time - absl::FromUnixSeconds(seconds)) / absl::Nanoseconds(1)));
  return proto;
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  absl::Duration rest;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  proto.set_nanos(static_cast<int32_t>(rest / absl::Nanoseconds(1)));
  return proto;
}

absl::Status CheckSameId(absl::string_view asked, absl::string_view found) {
  if (asked == found) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the record of ", asked, " holds ", found, ": two ids with one hash"));
}

bool IsTerminal(Turn::State state) {
  return state == Turn::SUCCEEDED || state == Turn::FAILED || state == Turn::CANCELLED ||
         state == Turn::EXPIRED;
}

StoredSession NewSession(absl::string_view session_id, absl::string_view agent,
                         absl::Duration idle_ttl, absl::Time now) {
  StoredSession stored;
  stored.set_version(1);
  Session& session = *stored.mutable_session();
  session.set_name(SessionName(session_id));
  session.set_agent(std::string(agent));
  *session.mutable_idle_ttl() = ToProto(idle_ttl);
  *session.mutable_create_time() = ToProto(now);
  Touch(stored, now);
  return stored;
}

void Touch(StoredSession& stored, absl::Time now) {
  Session& session = *stored.mutable_session();
  *session.mutable_update_time() = ToProto(now);
  *session.mutable_expire_time() = ToProto(now + FromProto(session.idle_ttl()));
}

bool Older(const session::v1::Fence& fence, const session::v1::Fence& than) {
  if (PENSTOCK_PLANTED_BUG("planted.fence_unchecked")) return false;
  return std::tuple(fence.epoch(), fence.start()) < std::tuple(than.epoch(), than.start());
}

bool RaiseFence(StoredSession& stored, const session::v1::Fence& fence) {
  if (!Older(stored.fence(), fence)) return false;
  *stored.mutable_fence() = fence;
  return true;
}

void CountTurn(StoredSession& stored, int64_t sequence) {
  stored.mutable_session()->set_turn_count(stored.session().turn_count() + 1);
  stored.set_last_sequence(std::max(stored.last_sequence(), sequence));
}

Session ToPublic(const StoredSession& stored) {
  Session session = stored.session();
  session.set_etag(Etag(stored));
  return session;
}

std::string Etag(const StoredSession& stored) { return absl::StrCat(stored.version()); }

void PutSession(rocks::WriteBatch& batch, const SessionKey& key, StoredSession& stored) {
  const int64_t due = DueSecond(FromProto(stored.session().expire_time()));
  const bool is_new = stored.due_second() == 0;
  if (is_new) {
    const absl::Time created = FromProto(stored.session().create_time());
    batch.Put(kSessionsByTime, SessionByTimeKey(key, created), "");
  }
  if (is_new || due < stored.due_second()) {
    if (!is_new) {
      batch.Delete(kDue, DueKey(stored.due_second(), DueKind::kSession, key.bytes()));
    }
    batch.Put(kDue, DueKey(due, DueKind::kSession, key.bytes()), "");
    stored.set_due_second(due);
  }
  batch.Put(kSessions, key.bytes(), Encode(stored));
}

void DeleteSessionRows(rocks::WriteBatch& batch, const SessionKey& key,
                       const StoredSession& stored) {
  batch.Delete(kSessions, key.bytes());
  batch.Delete(kSessionsByTime, SessionByTimeKey(key, FromProto(stored.session().create_time())));
  batch.Delete(kDue, DueKey(stored.due_second(), DueKind::kSession, key.bytes()));
}

void PutTurnId(rocks::WriteBatch& batch, const SessionKey& key, absl::string_view turn_id,
               int64_t sequence, int32_t steps) {
  StoredTurnPosition position;
  position.set_turn_id(std::string(turn_id));
  position.set_sequence(sequence);
  position.set_steps(steps);
  batch.Put(kTurnIds, TurnIdKey(key, Hash16(turn_id)), Encode(position));
}

void DeleteSteps(rocks::WriteBatch& batch, const SessionKey& key, absl::string_view turn_id,
                 int64_t sequence, int32_t steps) {
  const std::string turn16 = Hash16(turn_id);
  for (int32_t step = 0; step < steps; ++step) batch.Delete(kSteps, StepKey(key, turn16, step));
  PutTurnId(batch, key, turn_id, sequence, /*steps=*/0);
}

void PutBegunTurn(rocks::WriteBatch& batch, const SessionKey& key, absl::string_view turn_id,
                  const Turn& turn) {
  batch.Put(kTurns, TurnKey(key, turn.sequence(), Hash16(turn_id)), Encode(turn));
  PutTurnId(batch, key, turn_id, turn.sequence(), /*steps=*/0);
}

void PutEndedTurn(rocks::WriteBatch& batch, const SessionKey& key, absl::string_view turn_id,
                  const Turn& turn) {
  const std::string turn16 = Hash16(turn_id);
  batch.Put(kTurns, TurnKey(key, turn.sequence(), turn16), Encode(turn));
  StoredTurnEntry entry;
  entry.set_state(turn.state());
  entry.set_request_id(turn.request_id());
  const absl::Time created = FromProto(turn.create_time());
  batch.Put(kTurnsByTime, TurnByTimeKey(key, created, turn.sequence(), turn16), Encode(entry));
}

Turn EndedTurn(Turn begun, Turn committed) {
  committed.set_name(begun.name());
  committed.set_sequence(begun.sequence());
  *committed.mutable_input() = std::move(*begun.mutable_input());
  *committed.mutable_create_time() = begun.create_time();
  if (committed.agent().empty()) committed.set_agent(begun.agent());
  if (committed.request_id().empty()) committed.set_request_id(begun.request_id());
  if (committed.labels().empty()) *committed.mutable_labels() = begun.labels();
  if (!committed.has_deadline() && begun.has_deadline()) {
    *committed.mutable_deadline() = begun.deadline();
  }
  committed.clear_queue();
  return committed;
}

}  // namespace penstock::session_state
