#include "libs/base/refusal.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock {
namespace {

constexpr absl::string_view kTypePrefix = "type.googleapis.com/";

template <class Message>
std::string TypeUrl() {
  return absl::StrCat(kTypePrefix, Message::descriptor()->full_name());
}

template <class Message>
void Attach(const Message& detail, absl::Status& status) {
  status.SetPayload(TypeUrl<Message>(), absl::Cord(absl::string_view(detail.SerializeAsString())));
}

template <class Message>
std::optional<Message> Detail(const absl::Status& status) {
  const auto payload = status.GetPayload(TypeUrl<Message>());
  Message detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

absl::Status FieldRefusal(absl::string_view reason, absl::string_view field,
                          absl::string_view found, absl::string_view allowed) {
  const std::string description = absl::StrCat("found ", found, ", allowed ", allowed);
  return Refusal(absl::StatusCode::kInvalidArgument, reason, absl::StrCat(field, ": ", description))
      .With("field", field)
      .With("found", found)
      .With("allowed", allowed)
      .Field(field, description);
}

}  // namespace

Refusal::Refusal(absl::StatusCode code, absl::string_view reason, absl::string_view message)
    : code_(code), message_(message) {
  info_.set_domain("penstock");
  info_.set_reason(std::string(reason));
}

Refusal& Refusal::With(absl::string_view key, absl::string_view value) {
  (*info_.mutable_metadata())[std::string(key)] = std::string(value);
  return *this;
}

Refusal& Refusal::RetryAfter(absl::Duration delay) {
  retry_after_ = delay;
  return *this;
}

Refusal& Refusal::Field(absl::string_view field, absl::string_view description) {
  auto* violation = bad_request_.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(description));
  return *this;
}

Refusal& Refusal::Say(absl::string_view text) {
  said_.set_locale("en");
  said_.set_message(std::string(text));
  return *this;
}

Refusal::operator absl::Status() const {
  absl::Status status(code_, message_);
  Attach(info_, status);
  if (retry_after_) {
    google::rpc::RetryInfo retry;
    const int64_t nanos = absl::ToInt64Nanoseconds(*retry_after_);
    retry.mutable_retry_delay()->set_seconds(nanos / 1'000'000'000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
    Attach(retry, status);
  }
  if (bad_request_.field_violations_size() > 0) Attach(bad_request_, status);
  if (!said_.message().empty()) Attach(said_, status);
  return status;
}

absl::Status FieldInvalid(absl::string_view field, absl::string_view found,
                          absl::string_view allowed) {
  return FieldRefusal("FIELD_INVALID", field, found, allowed);
}

absl::Status TooLarge(absl::string_view field, absl::string_view found, absl::string_view allowed) {
  return FieldRefusal("TOO_LARGE", field, found, allowed);
}

std::string ReasonOf(const absl::Status& status) {
  const auto info = Detail<google::rpc::ErrorInfo>(status);
  return info ? info->reason() : "";
}

std::string MetadataOf(const absl::Status& status, absl::string_view key) {
  const auto info = Detail<google::rpc::ErrorInfo>(status);
  if (!info) return "";
  const auto found = info->metadata().find(std::string(key));
  return found == info->metadata().end() ? "" : found->second;
}

std::optional<absl::Duration> RetryAfterOf(const absl::Status& status) {
  const auto retry = Detail<google::rpc::RetryInfo>(status);
  if (!retry) return std::nullopt;
  return absl::Seconds(retry->retry_delay().seconds()) +
         absl::Nanoseconds(retry->retry_delay().nanos());
}

std::string SaidBy(const absl::Status& status) {
  const auto said = Detail<google::rpc::LocalizedMessage>(status);
  return said ? said->message() : "";
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status proto;
  proto.set_code(static_cast<int>(status.code()));
  proto.set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    auto* detail = proto.add_details();
    detail->set_type_url(std::string(type_url));
    detail->set_value(std::string(payload));
  });
  return proto;
}

absl::Status FromRpcStatus(const google::rpc::Status& proto) {
  absl::Status status(static_cast<absl::StatusCode>(proto.code()), proto.message());
  for (const auto& detail : proto.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(absl::string_view(detail.value())));
  }
  return status;
}

}  // namespace penstock
