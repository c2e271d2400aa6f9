#include "services/provider_adapter/quirks.h"

#include <algorithm>
#include <array>
#include <vector>

#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::provider_adapter {
namespace {

constexpr std::array kQuirks = {
    Quirk{"bearer_key", "anthropic", &Quirks::bearer_key},
    Quirk{"api_key_header", "openai", &Quirks::api_key_header},
    Quirk{"max_tokens", "openai", &Quirks::max_tokens},
    Quirk{"no_forced_tool_choice", "openai", &Quirks::no_forced_tool_choice},
    Quirk{"no_null_content", "openai", &Quirks::no_null_content},
    Quirk{"no_obfuscation_option", "openai", &Quirks::no_obfuscation_option},
    Quirk{"no_parallel_tool_calls", "openai", &Quirks::no_parallel_tool_calls},
    Quirk{"no_stream_options", "openai", &Quirks::no_stream_options},
    Quirk{"no_tool_choice", "openai", &Quirks::no_tool_choice},
    Quirk{"reasoning_content_back", "openai", &Quirks::reasoning_content_back},
    Quirk{"system_as_developer", "openai", &Quirks::system_as_developer},
    Quirk{"system_in_user", "openai", &Quirks::system_in_user},
    Quirk{"text_content", "openai", &Quirks::text_content},
    Quirk{"tool_call_ids_of_nine", "openai", &Quirks::tool_call_ids_of_nine},
};

std::string NamesOf(absl::string_view protocol) {
  std::vector<absl::string_view> names;
  for (const Quirk& quirk : kQuirks) {
    if (quirk.protocol == protocol) names.push_back(quirk.name);
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace

absl::Span<const Quirk> AllQuirks() { return kQuirks; }

absl::StatusOr<Quirks> ReadQuirks(absl::string_view protocol,
                                  const google::protobuf::RepeatedPtrField<std::string>& names,
                                  absl::string_view path) {
  Quirks quirks;
  for (int i = 0; i < names.size(); ++i) {
    const auto* const found = std::find_if(kQuirks.begin(), kQuirks.end(), [&](const Quirk& quirk) {
      return quirk.name == names[i] && quirk.protocol == protocol;
    });
    if (found == kQuirks.end()) {
      return FieldInvalid(absl::StrCat(path, "[", i, "]"), names[i], NamesOf(protocol));
    }
    quirks.*found->set = true;
  }
  return quirks;
}

}  // namespace penstock::provider_adapter
