#include "services/gateway/input_guard.h"

#include <algorithm>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/gateway/field_checks.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using chat::v1::Part;

constexpr uint64_t kMaxModelNameBytes = 256;
constexpr uint64_t kMaxStopBytes = 256;
constexpr uint64_t kMaxSchemaBytes = 256 << 10;
constexpr uint64_t kMaxDisplayNameBytes = 256;
constexpr uint64_t kMaxEtagBytes = 64;
constexpr int64_t kMaxQueryBytes = 4096;
constexpr int64_t kMaxHits = 100;
constexpr absl::Duration kMinIdleTtl = absl::Seconds(1);
constexpr absl::Duration kMaxIdleTtl = absl::Hours(24 * 3650);

absl::string_view NameOf(Part::KindCase kind) {
  switch (kind) {
    case Part::kText:
      return "text";
    case Part::kReasoning:
      return "reasoning";
    case Part::kRefusal:
      return "refusal";
    case Part::kToolCall:
      return "tool_call";
    case Part::kToolResult:
      return "tool_result";
    case Part::KIND_NOT_SET:
      break;
  }
  return "nothing, or a kind that is unknown here";
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

absl::Status InputGuard::CheckScopes(const identity::Principal& principal,
                                     const chat::v1::TurnSpec& spec) {
  if (spec.urgency() != chat::v1::ACTION || principal.HasScope("turns.action")) {
    return absl::OkStatus();
  }
  return Refusal(absl::StatusCode::kPermissionDenied, "SCOPE_MISSING",
                 "turn.urgency: ACTION needs the scope turns.action, which the token does not have")
      .With("scope", "turns.action");
}

absl::Status InputGuard::CheckTurn(absl::string_view session, absl::string_view request_id,
                                   const chat::v1::TurnSpec& spec) const {
  if (!session.empty()) PENSTOCK_RETURN_IF_ERROR(ParseSessionName(session, "session").status());
  PENSTOCK_RETURN_IF_ERROR(CheckRequestId(request_id));
  PENSTOCK_RETURN_IF_ERROR(CheckInput(spec));
  if (!spec.agent().empty()) {
    PENSTOCK_RETURN_IF_ERROR(ParseAgentName(spec.agent(), "turn.agent").status());
  }
  PENSTOCK_RETURN_IF_ERROR(CheckOverrides(spec.overrides()));
  if (!chat::v1::Urgency_IsValid(spec.urgency())) {
    return FieldInvalid("turn.urgency", absl::StrCat(spec.urgency()), "the values of Urgency");
  }
  if (!chat::v1::OnDisconnect_IsValid(spec.on_disconnect())) {
    return FieldInvalid("turn.on_disconnect", absl::StrCat(spec.on_disconnect()),
                        "the values of OnDisconnect");
  }
  if (!chat::v1::OnConflict_IsValid(spec.on_conflict())) {
    return FieldInvalid("turn.on_conflict", absl::StrCat(spec.on_conflict()),
                        "the values of OnConflict");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckMaxWait(spec));
  return CheckLabels(spec.labels(), "turn.labels");
}

absl::Status InputGuard::CheckMaxWait(const chat::v1::TurnSpec& spec) const {
  if (!spec.has_max_wait()) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(CheckDuration("turn.max_wait", spec.max_wait()));
  const absl::Duration max_wait = FromProto(spec.max_wait());
  if (max_wait > absl::ZeroDuration()) return absl::OkStatus();
  return FieldInvalid("turn.max_wait", absl::FormatDuration(max_wait), "more than 0");
}

absl::Status InputGuard::CheckInput(const chat::v1::TurnSpec& spec) const {
  const int max_parts = config_.turn().max_input_parts();
  if (spec.input().empty()) return FieldInvalid("turn.input", "no parts", "at least one text part");
  if (spec.input_size() > max_parts) {
    return TooLarge("turn.input", absl::StrCat(spec.input_size(), " parts"),
                    absl::StrCat("at most ", max_parts, " parts"));
  }
  uint64_t bytes = 0;
  for (int i = 0; i < spec.input_size(); ++i) {
    const Part& part = spec.input(i);
    const std::string field = absl::StrCat("turn.input[", i, "]");
    if (!part.has_text()) return FieldInvalid(field, NameOf(part.kind_case()), "text");
    if (part.text().text().empty()) {
      return FieldInvalid(absl::StrCat(field, ".text.text"), "0 bytes", "at least 1 byte");
    }
    bytes += part.text().text().size();
  }
  return CheckSize("turn.input", bytes, static_cast<uint64_t>(config_.turn().max_input_bytes()));
}

absl::Status InputGuard::CheckOverrides(const chat::v1::Overrides& overrides) const {
  PENSTOCK_RETURN_IF_ERROR(
      CheckSize("turn.overrides.model", overrides.model().size(), kMaxModelNameBytes));
  PENSTOCK_RETURN_IF_ERROR(
      CheckSize("turn.overrides.instructions", overrides.instructions().size(),
                static_cast<uint64_t>(config_.turn().max_instructions_bytes())));
  const chat::v1::GenerationConfig& generation = overrides.generation();
  for (int i = 0; i < generation.stop_size(); ++i) {
    PENSTOCK_RETURN_IF_ERROR(CheckSize(absl::StrCat("turn.overrides.generation.stop[", i, "]"),
                                       generation.stop(i).size(), kMaxStopBytes));
  }
  PENSTOCK_RETURN_IF_ERROR(CheckTools(overrides));
  return CheckSize("turn.overrides.generation.response_format.json_schema.schema",
                   generation.response_format().json_schema().schema().size(), kMaxSchemaBytes);
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
