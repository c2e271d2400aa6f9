#include "services/gateway/public_status.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "libs/base/log.h"
#include "libs/base/refusal.h"
#include "services/gateway/public_reasons.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using absl::StatusCode;

bool IsPublic(StatusCode code, absl::string_view reason) {
  // Between services nobody is asked for a token.
  return code != StatusCode::kUnauthenticated &&
         std::find(std::begin(kPublicReasons), std::end(kPublicReasons), reason) !=
             std::end(kPublicReasons);
}

}  // namespace

bool IsBroken(const absl::Status& status) {
  if (!ReasonOf(status).empty()) return false;
  switch (status.code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
    case StatusCode::kUnknown:
      return true;
    case StatusCode::kInternal:
      // How gRPC tells of a connection that was cut in the middle of an answer.
      return absl::StrContains(status.message(), "RST_STREAM");
    default:
      return false;
  }
}

bool IsForSuccessor(const absl::Status& status) {
  return IsBroken(status) || ReasonOf(status) == "DRAINING";
}

absl::Status Unreachable(absl::string_view service) {
  return Refusal(StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                 absl::StrCat("the ", service,
                              " cannot be reached now; send the same request_id again"))
      .RetryAfter(absl::Seconds(1));
}

absl::Status UnknownFate(absl::string_view request_id) {
  return Refusal(StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                 absl::StrCat("the dispatcher cannot be reached now, and may have accepted the "
                              "turn; send it again with request_id ",
                              request_id))
      .With("request_id", request_id)
      .RetryAfter(absl::Seconds(1));
}

absl::Status PublicStatus(const absl::Status& status, absl::string_view service,
                          const obs::TraceContext& trace) {
  const std::string reason = ReasonOf(status);
  if (status.ok() || IsPublic(status.code(), reason)) return status;
  const bool late = reason.empty() && status.code() == StatusCode::kDeadlineExceeded;
  if (late || reason == "STORE_BUSY" || IsBroken(status)) return Unreachable(service);
  Log(Severity::kError, "another service failed",
      {{"peer", service},
       {"trace_id", trace.trace_id},
       {"code", absl::StatusCodeToString(status.code())},
       {"reason", reason},
       {"status", status.message()}});
  return absl::InternalError(
      absl::StrCat("the ", service, " failed; the logs say why under trace ", trace.trace_id));
}

}  // namespace penstock::gateway
