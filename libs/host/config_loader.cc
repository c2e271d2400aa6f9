#include "libs/host/config_loader.h"

#include <cerrno>
#include <cstdio>
#include <memory>

#include "libs/base/status_macros.h"
#include "libs/host/tiers.h"
#include "libs/host/validate_config.h"
#include "libs/host/yaml_message.h"

#include "absl/strings/str_cat.h"

namespace penstock::host {
namespace {

constexpr size_t kMaxFileBytes = size_t{4} << 20;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be opened"));
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be read"));
  }
  if (text.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": found more than ", kMaxFileBytes, " bytes, allowed at most that"));
  }
  return text;
}

}  // namespace

absl::StatusOr<config::v1::Config> ParseConfig(absl::string_view yaml,
                                               absl::string_view source_name) {
  config::v1::Config config;
  PENSTOCK_RETURN_IF_ERROR(ReadYaml(yaml, source_name, config));
  AddBuiltInTiers(config);
  if (const absl::Status valid = ValidateConfig(config); !valid.ok()) {
    return absl::Status(valid.code(), absl::StrCat(source_name, ": ", valid.message()));
  }
  return config;
}

absl::StatusOr<config::v1::Config> LoadConfig(const std::string& path) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string yaml, ReadFile(path));
  return ParseConfig(yaml, path);
}

}  // namespace penstock::host
