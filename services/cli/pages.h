// Lists of any length, page by page.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "libs/base/status_macros.h"
#include "services/cli/command_line.h"
#include "services/cli/console.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {

inline std::vector<Flag> PageFlags() {
  return {{"--limit", "N", "at most this many; default: 50"},
          {"--page-token", "T", "go on where an earlier list ended"}};
}

// Asks with `get(request)`, prints each item of `items(response)` with `print(item)`, and goes on
// until --limit. A list that goes on says so on standard error.
template <class Request, class Get, class Items, class Print>
absl::Status PrintPages(const Arguments& arguments, Request request, Get get, Items items,
                        Print print, Console& console) {
  constexpr int64_t kMaxPage = 1000;
  PENSTOCK_ASSIGN_OR_RETURN(int64_t left, arguments.Integer("--limit", 50, 1, 1'000'000'000));
  request.set_page_token(arguments.Value("--page-token"));
  do {
    request.set_page_size(static_cast<int32_t>(std::min(left, kMaxPage)));
    PENSTOCK_ASSIGN_OR_RETURN(const auto response, get(request));
    for (const auto& item : items(response)) console.Out(print(item));
    left -= items(response).size();
    request.set_page_token(response.next_page_token());
  } while (left > 0 && !request.page_token().empty());
  if (!request.page_token().empty()) {
    console.Error(absl::StrCat("more: --page-token ", request.page_token(), "\n"));
  }
  return absl::OkStatus();
}

}  // namespace penstock::cli
