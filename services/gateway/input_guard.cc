#include "services/gateway/input_guard.h"

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/gateway/field_checks.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

constexpr uint64_t kMaxDisplayNameBytes = 256;
constexpr uint64_t kMaxEtagBytes = 64;
constexpr int64_t kMaxQueryBytes = 4096;
constexpr int64_t kMaxHits = 100;
constexpr absl::Duration kMinIdleTtl = absl::Seconds(1);
constexpr absl::Duration kMaxIdleTtl = absl::Hours(24 * 3650);

// What UpdateSession can change.
absl::Status CheckMask(const google::protobuf::FieldMask& mask) {
  for (int i = 0; i < mask.paths_size(); ++i) {
    const std::string& path = mask.paths(i);
    if (path == "display_name" || path == "agent" || path == "labels" || path == "idle_ttl") {
      continue;
    }
    return FieldInvalid(absl::StrCat("update_mask.paths[", i, "]"), Quoted(path),
                        "display_name, agent, labels, idle_ttl");
  }
  return absl::OkStatus();
}

}  // namespace

InputGuard::InputGuard(const config::v1::Config& config) : config_(config) {
  for (const auto& agent : config.agents()) agents_.insert(absl::StrCat("agents/", agent.id()));
}

absl::Status InputGuard::Check(const v1::StreamTurnRequest& request) const {
  return CheckTurn(request.session(), request.request_id(), request.turn());
}

absl::Status InputGuard::Check(const v1::RunTurnRequest& request) const {
  return CheckTurn(request.session(), request.request_id(), request.turn());
}

absl::Status InputGuard::Check(const v1::SubmitTurnRequest& request) const {
  PENSTOCK_RETURN_IF_ERROR(CheckTurn(request.session(), request.request_id(), request.turn()));
  if (!request.has_timeout()) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(CheckDuration("timeout", request.timeout()));
  if (FromProto(request.timeout()) > absl::ZeroDuration()) return absl::OkStatus();
  return FieldInvalid("timeout", absl::FormatDuration(FromProto(request.timeout())), "more than 0");
}

absl::Status InputGuard::Check(const v1::WatchTurnRequest& request) const {
  PENSTOCK_RETURN_IF_ERROR(ParseTurnName(request.name(), "name").status());
  return CheckRange("after_index", request.after_index(), 0, INT64_MAX);
}

absl::Status InputGuard::Check(const v1::CancelTurnRequest& request) const {
  return ParseTurnName(request.name(), "name").status();
}

absl::Status InputGuard::Check(const v1::GetTurnRequest& request) const {
  return ParseTurnName(request.name(), "name").status();
}

absl::Status InputGuard::Check(const v1::ListTurnsRequest& request) const {
  if (request.parent() != "sessions/-") {
    PENSTOCK_RETURN_IF_ERROR(ParseSessionName(request.parent(), "parent").status());
  }
  PENSTOCK_RETURN_IF_ERROR(CheckPage(request.page_size(), request.page_token()));
  for (int i = 0; i < request.states_size(); ++i) {
    const int state = request.states(i);
    if (!chat::v1::Turn::State_IsValid(state) || state == chat::v1::Turn::STATE_UNSPECIFIED) {
      return FieldInvalid(absl::StrCat("states[", i, "]"), absl::StrCat(state),
                          "the values of Turn.State");
    }
  }
  return CheckRequestId(request.request_id());
}

absl::Status InputGuard::Check(const v1::CreateSessionRequest& request) const {
  if (!request.session_id().empty() && !IsValidId(request.session_id())) {
    return FieldInvalid("session_id", Quoted(request.session_id()),
                        "[A-Za-z0-9._~-]{1,64}, but not \".\", \"..\" or \"-\"");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  return CheckSession(request.session());
}

absl::Status InputGuard::Check(const v1::GetSessionRequest& request) const {
  return ParseSessionName(request.name(), "name").status();
}

absl::Status InputGuard::Check(const v1::ListSessionsRequest& request) const {
  return CheckPage(request.page_size(), request.page_token());
}

absl::Status InputGuard::Check(const v1::UpdateSessionRequest& request) const {
  PENSTOCK_RETURN_IF_ERROR(ParseSessionName(request.session().name(), "session.name").status());
  PENSTOCK_RETURN_IF_ERROR(
      CheckSize("session.etag", request.session().etag().size(), kMaxEtagBytes));
  PENSTOCK_RETURN_IF_ERROR(CheckMask(request.update_mask()));
  return CheckSession(request.session());
}

absl::Status InputGuard::Check(const v1::DeleteSessionRequest& request) const {
  PENSTOCK_RETURN_IF_ERROR(ParseSessionName(request.name(), "name").status());
  return CheckSize("etag", request.etag().size(), kMaxEtagBytes);
}

absl::Status InputGuard::Check(const v1::CreateMemoryRequest& request) const {
  const chat::v1::Memory& memory = request.memory();
  PENSTOCK_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (memory.text().empty()) return FieldInvalid("memory.text", "0 bytes", "at least 1 byte");
  PENSTOCK_RETURN_IF_ERROR(CheckSize("memory.text", memory.text().size(),
                                     static_cast<uint64_t>(config_.recall().max_memory_bytes())));
  PENSTOCK_RETURN_IF_ERROR(CheckLabels(memory.labels(), "memory.labels"));
  return CheckTimestamp("memory.expire_time", memory.expire_time());
}

absl::Status InputGuard::Check(const v1::GetMemoryRequest& request) const {
  return ParseMemoryName(request.name(), "name").status();
}

absl::Status InputGuard::Check(const v1::ListMemoriesRequest& request) const {
  return CheckPage(request.page_size(), request.page_token());
}

absl::Status InputGuard::Check(const v1::SearchMemoriesRequest& request) const {
  if (request.query().empty()) return FieldInvalid("query", "0 bytes", "at least 1 byte");
  PENSTOCK_RETURN_IF_ERROR(CheckSize("query", request.query().size(), kMaxQueryBytes));
  return CheckRange("limit", request.limit(), 0, kMaxHits);
}

absl::Status InputGuard::Check(const v1::DeleteMemoryRequest& request) const {
  return ParseMemoryName(request.name(), "name").status();
}

absl::Status InputGuard::CheckSession(const chat::v1::Session& session) const {
  PENSTOCK_RETURN_IF_ERROR(
      CheckSize("session.display_name", session.display_name().size(), kMaxDisplayNameBytes));
  PENSTOCK_RETURN_IF_ERROR(CheckAgent(session.agent()));
  PENSTOCK_RETURN_IF_ERROR(CheckLabels(session.labels(), "session.labels"));
  if (!session.has_idle_ttl()) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(CheckDuration("session.idle_ttl", session.idle_ttl()));
  const absl::Duration idle_ttl = FromProto(session.idle_ttl());
  if (idle_ttl >= kMinIdleTtl && idle_ttl <= kMaxIdleTtl) return absl::OkStatus();
  return FieldInvalid("session.idle_ttl", absl::FormatDuration(idle_ttl), "1s to 3650 days");
}

absl::Status InputGuard::CheckAgent(absl::string_view agent) const {
  if (agent.empty() || agents_.contains(agent)) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(ParseAgentName(agent, "session.agent").status());
  return Refusal(absl::StatusCode::kNotFound, "AGENT_NOT_FOUND",
                 absl::StrCat(agent, ": no such agent in the configuration"))
      .With("name", agent);
}

}  // namespace penstock::gateway
