#include "libs/host/tool_shape.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "absl/strings/ascii.h"

namespace penstock::host {
namespace {

constexpr size_t kMaxNameBytes = 64;

}  // namespace

bool IsToolName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
         });
}

bool IsJsonObject(absl::string_view text) {
  boost::json::error_code error;
  const auto value = boost::json::parse({text.data(), text.size()}, error);
  return !error && value.is_object();
}

}  // namespace penstock::host
