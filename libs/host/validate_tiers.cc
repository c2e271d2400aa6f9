#include "libs/host/validate_tiers.h"

#include <set>
#include <string>

#include "libs/base/ids.h"
#include "libs/base/status_macros.h"
#include "libs/host/found_allowed.h"

namespace penstock::host {
namespace {

using config::v1::Config;

// In nano-USD it has to fit into 63 bits, with room for what a day overshoots.
constexpr double kMaxUsdPerDay = 1e9;

absl::Status CheckUsd(const std::string& path, double usd, const Config& config) {
  if (usd > kMaxUsdPerDay) {
    return FoundAllowed(path + ".usd_per_day", absl::StrCat(usd), "at most 1000000000");
  }
  if (usd == 0) return absl::OkStatus();
  for (const auto& model : config.models()) {
    if (model.has_price()) continue;
    return FoundAllowed(path + ".usd_per_day", absl::StrCat(usd),
                        absl::StrCat("0 as long as ", model.name(), " has no price"));
  }
  return absl::OkStatus();
}

absl::Status CheckTier(const std::string& path, const config::v1::Tier& tier,
                       const Config& config) {
  if (!IsValidId(tier.name())) {
    return FoundAllowed(path + ".name", tier.name(), "[A-Za-z0-9._~-]{1,64}");
  }
  if (tier.turn_class() != "PAID" && tier.turn_class() != "FREE") {
    return FoundAllowed(path + ".turn_class", tier.turn_class(), "PAID or FREE");
  }
  return CheckUsd(path, tier.usd_per_day(), config);
}

}  // namespace

absl::Status ValidateTiers(const Config& config) {
  std::set<std::string> tiers;
  for (int i = 0; i < config.tiers_size(); ++i) {
    const std::string path = absl::StrCat("tiers[", i, "]");
    PENSTOCK_RETURN_IF_ERROR(CheckTier(path, config.tiers(i), config));
    if (!tiers.insert(config.tiers(i).name()).second) {
      return FoundAllowed(path + ".name", config.tiers(i).name(), "each tier once");
    }
  }
  if (!tiers.contains("free")) {
    return Wrong("tiers", "one must have the name \"free\"; it is that of tokens that name none");
  }
  std::set<std::string> tenants;
  for (int i = 0; i < config.tenants_size(); ++i) {
    const std::string path = absl::StrCat("tenants[", i, "]");
    PENSTOCK_RETURN_IF_ERROR(CheckUsd(path, config.tenants(i).usd_per_day(), config));
    if (!tenants.insert(config.tenants(i).name()).second) {
      return FoundAllowed(path + ".name", config.tenants(i).name(), "each tenant once");
    }
  }
  return absl::OkStatus();
}

}  // namespace penstock::host
