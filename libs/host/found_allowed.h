// The wording of what is wrong with a setting.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace penstock::host {

// INVALID_ARGUMENT `path: found "found", allowed allowed`. `found` is escaped.
inline absl::Status FoundAllowed(absl::string_view path, absl::string_view found,
                                 absl::string_view allowed) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": found \"", absl::CEscape(found), "\", allowed ", allowed));
}

// INVALID_ARGUMENT `path: what`, for secrets and for what is absent.
inline absl::Status Wrong(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

}  // namespace penstock::host
