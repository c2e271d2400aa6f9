#include "services/provider_adapter/protocols.h"

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/anthropic/messages.h"
#include "services/provider_adapter/openai/chat.h"
#include "services/provider_adapter/quirks.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {

absl::StatusOr<std::unique_ptr<Protocol>> MakeProtocol(const config::v1::Provider& provider,
                                                       absl::string_view path) {
  if (provider.protocol() != kOpenAi && provider.protocol() != kAnthropic) {
    return FieldInvalid(absl::StrCat(path, ".protocol"), provider.protocol(),
                        "openai or anthropic");
  }
  PENSTOCK_ASSIGN_OR_RETURN(const Quirks quirks, ReadQuirks(provider.protocol(), provider.quirks(),
                                                            absl::StrCat(path, ".quirks")));
  std::unique_ptr<Protocol> protocol;
  if (provider.protocol() == kAnthropic) {
    protocol = std::make_unique<AnthropicMessages>(quirks);
  } else {
    protocol = std::make_unique<OpenAiChat>(quirks);
  }
  return protocol;
}

}  // namespace penstock::provider_adapter
