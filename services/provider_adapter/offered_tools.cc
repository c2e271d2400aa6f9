#include "services/provider_adapter/offered_tools.h"

#include <algorithm>

#include "libs/base/failpoint.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

constexpr size_t kMaxIdBytes = 128;

bool IsUsable(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes &&
         std::all_of(id.begin(), id.end(), absl::ascii_isgraph);
}

}  // namespace

OfferedTools::OfferedTools(const provider::v1::GenerateRequest& request) {
  for (const auto& tool : request.tools()) names_.insert(tool.name());
  for (const auto& message : request.messages()) {
    for (const auto& part : message.parts()) {
      if (part.has_tool_call()) ids_.insert(part.tool_call().id());
    }
  }
}

std::string OfferedTools::NewCallId(absl::string_view given) {
  std::string id(IsUsable(given) ? given : "");
  for (size_t number = ids_.size() + 1; id.empty() || !ids_.insert(id).second; ++number) {
    if (!id.empty() && PENSTOCK_PLANTED_BUG("planted.call_id_repeated")) break;
    id = absl::StrCat("call_", number);
  }
  return id;
}

}  // namespace penstock::provider_adapter
