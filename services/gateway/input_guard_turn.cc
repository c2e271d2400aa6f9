// What a request may say of a turn.
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "libs/host/image_shape.h"
#include "services/gateway/field_checks.h"
#include "services/gateway/input_guard.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using chat::v1::Image;
using chat::v1::Part;

absl::string_view NameOf(Part::KindCase kind) {
  switch (kind) {
    case Part::kText:
      return "text";
    case Part::kImage:
      return "image";
    case Part::kReasoning:
      return "reasoning";
    case Part::kRefusal:
      return "refusal";
    case Part::kToolCall:
      return "tool_call";
    case Part::kToolResult:
      return "tool_result";
    case Part::kOpaque:
      return "opaque";
    case Part::KIND_NOT_SET:
      break;
  }
  return "nothing, or a kind that is unknown here";
}

absl::Status CheckImageFile(const Image& image, const std::string& field) {
  if (image.data().empty()) return FieldInvalid(field + ".data", "0 bytes", host::kImageTypes);
  const absl::string_view found = host::ImageTypeOf(image.data());
  if (found == absl::string_view(image.media_type())) return absl::OkStatus();
  return FieldInvalid(field + ".data",
                      found.empty() ? "bytes of another kind" : absl::StrCat("bytes of ", found),
                      absl::StrCat("bytes of ", image.media_type(), ", as media_type says"));
}

absl::Status CheckImage(const Image& image, const std::string& field) {
  // With a URL the type is the server's to say, but what is said here has to make sense.
  const bool untyped_url = image.has_url() && image.media_type().empty();
  if (!untyped_url && !host::IsImageType(image.media_type())) {
    return FieldInvalid(field + ".media_type", Quoted(image.media_type()), host::kImageTypes);
  }
  switch (image.source_case()) {
    case Image::kData:
      return CheckImageFile(image, field);
    case Image::kUrl:
      if (host::IsImageUrl(image.url())) return absl::OkStatus();
      return FieldInvalid(
          field + ".url", Quoted(image.url()),
          absl::StrCat("https:// and a host, at most ", host::kMaxImageUrlBytes, " bytes"));
    case Image::SOURCE_NOT_SET:
      break;
  }
  return FieldInvalid(field, "neither data nor url", "one of them");
}

absl::Status CheckPart(const Part& part, const std::string& field) {
  if (part.has_image()) return CheckImage(part.image(), field + ".image");
  if (!part.has_text()) return FieldInvalid(field, NameOf(part.kind_case()), "text or image");
  if (!part.text().text().empty()) return absl::OkStatus();
  return FieldInvalid(field + ".text.text", "0 bytes", "at least 1 byte");
}

absl::Status CheckMaxWait(const chat::v1::TurnSpec& spec) {
  if (!spec.has_max_wait()) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(CheckDuration("turn.max_wait", spec.max_wait()));
  const absl::Duration max_wait = FromProto(spec.max_wait());
  if (max_wait > absl::ZeroDuration()) return absl::OkStatus();
  return FieldInvalid("turn.max_wait", absl::FormatDuration(max_wait), "more than 0");
}

absl::Status CheckEnums(const chat::v1::TurnSpec& spec) {
  if (!chat::v1::Urgency_IsValid(spec.urgency())) {
    return FieldInvalid("turn.urgency", absl::StrCat(spec.urgency()), "the values of Urgency");
  }
  if (!chat::v1::OnDisconnect_IsValid(spec.on_disconnect())) {
    return FieldInvalid("turn.on_disconnect", absl::StrCat(spec.on_disconnect()),
                        "the values of OnDisconnect");
  }
  if (chat::v1::OnConflict_IsValid(spec.on_conflict())) return absl::OkStatus();
  return FieldInvalid("turn.on_conflict", absl::StrCat(spec.on_conflict()),
                      "the values of OnConflict");
}

}  // namespace

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
  PENSTOCK_RETURN_IF_ERROR(CheckEnums(spec));
  PENSTOCK_RETURN_IF_ERROR(CheckMaxWait(spec));
  return CheckLabels(spec.labels(), "turn.labels");
}

absl::Status InputGuard::CheckInput(const chat::v1::TurnSpec& spec) const {
  const int max_parts = config_.turn().max_input_parts();
  if (spec.input().empty()) return FieldInvalid("turn.input", "no parts", "at least one text part");
  if (spec.input_size() > max_parts) {
    return TooLarge("turn.input", absl::StrCat(spec.input_size(), " parts"),
                    absl::StrCat("at most ", max_parts, " parts"));
  }
  uint64_t text_bytes = 0;
  for (int i = 0; i < spec.input_size(); ++i) {
    PENSTOCK_RETURN_IF_ERROR(CheckPart(spec.input(i), absl::StrCat("turn.input[", i, "]")));
    text_bytes += spec.input(i).text().text().size();
  }
  if (text_bytes == 0) return FieldInvalid("turn.input", "no text part", "at least one text part");
  return CheckSize("turn.input", text_bytes,
                   static_cast<uint64_t>(config_.turn().max_input_bytes()));
}

}  // namespace penstock::gateway
