#include "tests/harness/secret_search.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

// The characters that are the same whatever stands before and behind, when `offset` bytes of what
// was encoded stand before the secret.
std::string Base64At(absl::string_view secret, size_t offset, bool web_safe) {
  const std::string bytes = absl::StrCat(std::string(offset, '\0'), secret);
  const std::string encoded =
      web_safe ? absl::WebSafeBase64Escape(bytes) : absl::Base64Escape(bytes);
  const size_t begin = (offset * 8 + 5) / 6;
  const size_t end = bytes.size() * 8 / 6;
  return encoded.substr(begin, end - begin);
}

}  // namespace

void SecretSearch::Add(const std::string& name, absl::string_view secret) {
  shapes_.emplace_back(name + " as it is", secret);
  const std::string hex = absl::BytesToHexString(secret);
  shapes_.emplace_back(name + " in hex", hex);
  shapes_.emplace_back(name + " in hex", absl::AsciiStrToUpper(hex));
  for (const size_t offset : {size_t{0}, size_t{1}, size_t{2}}) {
    for (const bool web_safe : {false, true}) {
      shapes_.emplace_back(name + " in base64", Base64At(secret, offset, web_safe));
    }
  }
}

std::vector<std::string> SecretSearch::FoundIn(absl::string_view bytes) const {
  std::vector<std::string> found;
  for (const auto& [what, shape] : shapes_) {
    if (!absl::StrContains(bytes, shape)) continue;
    if (std::find(found.begin(), found.end(), what) == found.end()) found.push_back(what);
  }
  return found;
}

std::vector<std::string> SecretSearch::FoundBelow(const std::string& folder,
                                                  const std::vector<std::string>& except) const {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = std::filesystem::relative(entry.path(), folder).string();
    const bool left_out = std::any_of(except.begin(), except.end(), [&](const std::string& part) {
      return absl::StrContains(path, part);
    });
    if (left_out || !entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    for (const std::string& what : FoundIn(bytes.str())) {
      found.push_back(absl::StrCat(path, ": ", what));
    }
  }
  return found;
}

}  // namespace penstock::harness
