#include "services/gateway/operations_rpc.h"

#include <utility>

#include "libs/base/log.h"
#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

constexpr absl::string_view kOperatorScope = "operator";

absl::Status CheckScope(const Caller& caller) {
  if (caller.principal.HasScope(kOperatorScope)) return absl::OkStatus();
  return Refusal(
             absl::StatusCode::kPermissionDenied, "SCOPE_MISSING",
             absl::StrCat("needs the scope ", kOperatorScope, ", which the token does not have"))
      .With("scope", kOperatorScope);
}

void Audit(const Caller& caller, absl::string_view call, const absl::Status& status) {
  Log(status.ok() ? Severity::kInfo : Severity::kWarning, "operator call",
      {{"call", call},
       {"tenant", caller.principal.tenant},
       {"user", caller.principal.user},
       {"code", absl::StatusCodeToString(status.code())},
       {"reason", ReasonOf(status)},
       {"trace_id", caller.trace.trace_id}});
}

}  // namespace

Awaitable<absl::StatusOr<dispatcher::v1::Load>> OperationsRpc::GetLoad(
    const Caller& caller, dispatcher::v1::GetLoadRequest request) {
  absl::StatusOr<dispatcher::v1::Load> load = dispatcher::v1::Load();
  if (absl::Status missing = CheckScope(caller); !missing.ok()) {
    load = std::move(missing);
  } else {
    load = co_await downstream_.GetLoad(caller, std::move(request));
  }
  Audit(caller, "Operations/GetLoad", load.status());
  co_return load;
}

}  // namespace penstock::gateway
