#include "services/dispatcher/admission/find_request.h"

#include "libs/async/status_macros.h"
#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {

Awaitable<absl::StatusOr<std::optional<v1::RequestIdRow>>> FindRequest(Journal& journal,
                                                                       identity::UserKey user,
                                                                       std::string request_id,
                                                                       std::string digest,
                                                                       absl::Time now) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto row, co_await journal.LookupRequestId(user, request_id, now));
  if (!row || row->request_digest() == digest) co_return row;
  co_return Refusal(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
                    absl::StrCat("request_id: found \"", request_id,
                                 "\", which belongs to another request (turn ", row->turn_id(),
                                 "); use a new id for a new request"))
      .With("field", "request_id")
      .With("found", request_id)
      .With("allowed", "an id that was not used with another body");
}

}  // namespace penstock::dispatcher
