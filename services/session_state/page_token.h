// Opaque page tokens: a position in one list, of one user, with one set of filters.
#pragma once

#include <initializer_list>
#include <string>

#include "libs/identity/principal.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::session_state {

// Names a list. Two lists with another user, kind or filter have other scopes.
std::string ListScope(const identity::UserKey& user,
                      std::initializer_list<absl::string_view> kind_and_filters);

// "" for an empty position: there is no next page.
std::string MakePageToken(absl::string_view scope, absl::string_view position);

// The position; "" for an empty token. FIELD_INVALID (page_token) when it was not made for `scope`.
absl::StatusOr<std::string> ReadPageToken(absl::string_view scope, absl::string_view token);

}  // namespace penstock::session_state
