#include "services/provider_adapter/api_key.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "libs/base/refusal.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::provider_adapter {
namespace {

// The longest that are known, tokens of clouds, have about 4 KiB.
constexpr size_t kMaxKeyBytes = 16 * 1024;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// What is wrong with a key; "" when nothing is.
absl::string_view FaultOf(absl::string_view key) {
  if (key.empty()) return "is empty";
  if (key.size() > kMaxKeyBytes) return "has more than 16384 bytes";
  if (key.find_first_of("\r\n") != absl::string_view::npos) return "has more than one line";
  if (!std::all_of(key.begin(), key.end(), absl::ascii_isgraph)) {
    return "has blanks or bytes that are no printable ASCII";
  }
  return "";
}

absl::StatusOr<std::string> FromEnvironment(const std::string& name, const std::string& field,
                                            EnvironmentLookup environment) {
  const std::optional<std::string> key = environment(name);
  if (!key || key->empty()) {
    return FieldInvalid(field, absl::StrCat(name, ", which is not set"),
                        "an environment variable that holds the API key");
  }
  if (const absl::string_view fault = FaultOf(*key); !fault.empty()) {
    return FieldInvalid(field, absl::StrCat(name, ", which ", fault),
                        "printable ASCII without blanks and line ends");
  }
  return *key;
}

}  // namespace

absl::StatusOr<std::string> ReadKeyFile(const std::string& file) {
  const std::unique_ptr<std::FILE, CloseFile> opened(std::fopen(file.c_str(), "re"));
  if (opened == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("cannot be read: ", std::strerror(errno)));
  }
  // Some room for blanks around it.
  std::string text(2 * kMaxKeyBytes, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), opened.get()));
  if (std::ferror(opened.get()) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("cannot be read: ", std::strerror(errno)));
  }
  absl::StripAsciiWhitespace(&text);
  const absl::string_view fault = FaultOf(text);
  if (!fault.empty()) return absl::InvalidArgumentError(fault);
  return text;
}

absl::StatusOr<std::string> ReadApiKey(const config::v1::Provider& provider, absl::string_view path,
                                       EnvironmentLookup environment) {
  const std::string& file = provider.api_key_file();
  if (!file.empty()) {
    absl::StatusOr<std::string> key = ReadKeyFile(file);
    if (key.ok()) return key;
    return FieldInvalid(absl::StrCat(path, ".api_key_file"),
                        absl::StrCat(file, ", which ", key.status().message()),
                        "a file with one line, the API key");
  }
  if (provider.api_key_env().empty()) return std::string();
  return FromEnvironment(provider.api_key_env(), absl::StrCat(path, ".api_key_env"), environment);
}

std::string HideKey(std::string text, const Credential& credential) {
  if (credential.api_key.empty()) return text;
  return absl::StrReplaceAll(text, {{credential.api_key, "***"}});
}

}  // namespace penstock::provider_adapter
