// The opaque tokens of ListMemories: where a page ended, bound to its user.
#pragma once

#include <string>

#include "libs/identity/principal.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::memory_recall {

// `id` is the last memory of the page.
std::string PageTokenOf(identity::UserKey user, absl::string_view id);

// The id; "" for an empty token. FIELD_INVALID for one that was made for another user or is
// damaged.
absl::StatusOr<std::string> ParsePageToken(identity::UserKey user, absl::string_view token);

}  // namespace penstock::memory_recall
