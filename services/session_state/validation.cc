#include "services/session_state/validation.h"

#include <algorithm>
#include <utility>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/session_state/session_records.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Session;
using chat::v1::Turn;

constexpr int kMaxLabels = 16;
constexpr size_t kMaxLabelKeyBytes = 64;
constexpr size_t kMaxLabelValueBytes = 256;
constexpr size_t kMaxDisplayNameBytes = 256;
constexpr size_t kMaxRequestIdBytes = 128;
constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
constexpr absl::Duration kMinIdleTtl = absl::Seconds(1);
constexpr absl::Duration kMaxIdleTtl = absl::Hours(24 * 3650);

absl::Status CheckLabels(const google::protobuf::Map<std::string, std::string>& labels,
                         absl::string_view field) {
  if (labels.size() > kMaxLabels) {
    return FieldInvalid(field, absl::StrCat(labels.size(), " entries"),
                        absl::StrCat("at most ", kMaxLabels));
  }
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > kMaxLabelKeyBytes) {
      return FieldInvalid(field, absl::StrCat("a key of ", key.size(), " bytes"),
                          absl::StrCat("1 to ", kMaxLabelKeyBytes));
    }
    if (value.size() > kMaxLabelValueBytes) {
      return FieldInvalid(field, absl::StrCat("a value of ", value.size(), " bytes"),
                          absl::StrCat("at most ", kMaxLabelValueBytes));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIdleTtl(const google::protobuf::Duration& proto) {
  const absl::Duration idle_ttl = FromProto(proto);
  if (idle_ttl >= kMinIdleTtl && idle_ttl <= kMaxIdleTtl) return absl::OkStatus();
  return FieldInvalid("session.idle_ttl", absl::FormatDuration(idle_ttl), "1s to 3650 days");
}

std::vector<std::string> FieldsThatAreSet(const Session& session) {
  std::vector<std::string> fields;
  if (!session.display_name().empty()) fields.push_back("display_name");
  if (!session.agent().empty()) fields.push_back("agent");
  if (!session.labels().empty()) fields.push_back("labels");
  if (session.has_idle_ttl()) fields.push_back("idle_ttl");
  return fields;
}

}  // namespace

absl::Status CheckAgent(absl::string_view agent, absl::string_view field) {
  return agent.empty() ? absl::OkStatus() : ParseAgentName(agent, field).status();
}

absl::Status CheckRequestId(absl::string_view request_id) {
  const bool printable = std::all_of(request_id.begin(), request_id.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
  if (printable && request_id.size() <= kMaxRequestIdBytes) return absl::OkStatus();
  return FieldInvalid("request_id", absl::StrCat(request_id.size(), " bytes"),
                      "1 to 128 printable ASCII characters");
}

absl::Status CheckFence(const session::v1::Fence& fence) {
  if (fence.epoch() >= 0 && fence.start() >= 0) return absl::OkStatus();
  return FieldInvalid("fence", absl::StrCat("(", fence.epoch(), ", ", fence.start(), ")"),
                      "epoch and start of at least 0");
}

absl::Status CheckStep(const chat::v1::Step& step) {
  if (step.step() < 0) return FieldInvalid("step.step", absl::StrCat(step.step()), "at least 0");
  if (step.message().parts().empty()) {
    return FieldInvalid("step.message", "no parts", "the assistant's message");
  }
  if (step.results().empty()) return absl::OkStatus();
  return FieldInvalid("step.results", absl::StrCat(step.results_size(), " results"),
                      "none: they come with the whole turn");
}

absl::Status CheckAccepted(const Turn& turn, absl::string_view field) {
  if (turn.sequence() < 1) {
    return FieldInvalid(absl::StrCat(field, ".sequence"), absl::StrCat(turn.sequence()),
                        "at least 1");
  }
  if (turn.input().empty()) {
    return FieldInvalid(absl::StrCat(field, ".input"), "no parts", "at least one");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckAgent(turn.agent(), absl::StrCat(field, ".agent")));
  return CheckLabels(turn.labels(), absl::StrCat(field, ".labels"));
}

absl::Status CheckSessionFields(const Session& session) {
  if (session.display_name().size() > kMaxDisplayNameBytes) {
    return FieldInvalid("session.display_name",
                        absl::StrCat(session.display_name().size(), " bytes"),
                        absl::StrCat("at most ", kMaxDisplayNameBytes));
  }
  PENSTOCK_RETURN_IF_ERROR(CheckAgent(session.agent(), "session.agent"));
  if (session.has_idle_ttl()) PENSTOCK_RETURN_IF_ERROR(CheckIdleTtl(session.idle_ttl()));
  return CheckLabels(session.labels(), "session.labels");
}

absl::StatusOr<int> PageSize(int32_t page_size) {
  if (page_size < 0) return FieldInvalid("page_size", absl::StrCat(page_size), "0 to 1000");
  return page_size == 0 ? kDefaultPageSize : std::min<int>(page_size, kMaxPageSize);
}

absl::StatusOr<std::vector<Turn::State>> CheckStates(
    const google::protobuf::RepeatedField<int>& states) {
  std::vector<Turn::State> checked;
  for (const int number : states) {
    if (!Turn::State_IsValid(number) || number == Turn::STATE_UNSPECIFIED) {
      return FieldInvalid("states", absl::StrCat(number), "the values of Turn.State");
    }
    checked.push_back(static_cast<Turn::State>(number));
  }
  std::sort(checked.begin(), checked.end());
  checked.erase(std::unique(checked.begin(), checked.end()), checked.end());
  return checked;
}

absl::StatusOr<SessionChanges> ChangesOf(const Session& session,
                                         const google::protobuf::FieldMask& mask,
                                         absl::Duration default_idle_ttl) {
  PENSTOCK_RETURN_IF_ERROR(CheckSessionFields(session));
  const std::vector<std::string> fields =
      mask.paths().empty() ? FieldsThatAreSet(session)
                           : std::vector<std::string>(mask.paths().begin(), mask.paths().end());
  SessionChanges changes;
  for (const std::string& field : fields) {
    if (field == "display_name") {
      changes.display_name = session.display_name();
    } else if (field == "agent") {
      changes.agent = session.agent();
    } else if (field == "labels") {
      changes.labels.emplace(session.labels().begin(), session.labels().end());
    } else if (field == "idle_ttl") {
      changes.idle_ttl = session.has_idle_ttl() ? FromProto(session.idle_ttl()) : default_idle_ttl;
    } else {
      return FieldInvalid("update_mask.paths", field, "display_name, agent, labels, idle_ttl");
    }
  }
  return changes;
}

}  // namespace penstock::session_state
