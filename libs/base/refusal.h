// An error a caller can act on: a status with google.rpc details (AIP-193).
//
// The details ride as payloads of absl::Status, keyed by type URL; libs/rpc turns them into
// google.rpc.Status on the wire and back. Every refusal of Penstock carries an ErrorInfo with
// domain "penstock" and a reason in UPPER_SNAKE_CASE; `api.md`'s table of refusals lists them.
#pragma once

#include <optional>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock {

// Builds a refusal: Refusal(kNotFound, "TURN_NOT_FOUND", "turn t1: not found").With("name", name).
// The message names the thing, what was found and what was expected.
class Refusal {
 public:
  Refusal(absl::StatusCode code, absl::string_view reason, absl::string_view message);

  // Adds a pair to ErrorInfo.metadata.
  Refusal& With(absl::string_view key, absl::string_view value);
  // Adds a RetryInfo: the same request may succeed after this time.
  Refusal& RetryAfter(absl::Duration delay);
  // Adds a field violation to BadRequest.
  Refusal& Field(absl::string_view field, absl::string_view description);
  // Adds a LocalizedMessage, in English: what an application may show its user as it is.
  Refusal& Say(absl::string_view text);

  // NOLINTNEXTLINE(google-explicit-constructor): a refusal is a status.
  operator absl::Status() const;

 private:
  absl::StatusCode code_;
  std::string message_;
  google::rpc::ErrorInfo info_;
  std::optional<absl::Duration> retry_after_;
  google::rpc::BadRequest bad_request_;
  google::rpc::LocalizedMessage said_;
};

// INVALID_ARGUMENT FIELD_INVALID: "turn.labels: found 17 entries, allowed at most 16".
absl::Status FieldInvalid(absl::string_view field, absl::string_view found,
                          absl::string_view allowed);

// INVALID_ARGUMENT TOO_LARGE, same shape.
absl::Status TooLarge(absl::string_view field, absl::string_view found, absl::string_view allowed);

// ErrorInfo.reason, or "" when the status has none.
std::string ReasonOf(const absl::Status& status);

// One value of ErrorInfo.metadata, or "".
std::string MetadataOf(const absl::Status& status, absl::string_view key);

std::optional<absl::Duration> RetryAfterOf(const absl::Status& status);

// LocalizedMessage.message, or "".
std::string SaidBy(const absl::Status& status);

// Code, message and all details. Lossless both ways.
google::rpc::Status ToRpcStatus(const absl::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace penstock
