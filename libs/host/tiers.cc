#include "libs/host/tiers.h"

namespace penstock::host {
namespace {

void Add(config::v1::Config& config, const char* name, const char* turn_class,
         int32_t turns_per_hour) {
  config::v1::Tier& tier = *config.add_tiers();
  tier.set_name(name);
  tier.set_turn_class(turn_class);
  tier.set_turns_per_hour(turns_per_hour);
}

}  // namespace

void AddBuiltInTiers(config::v1::Config& config) {
  if (!config.tiers().empty()) return;
  Add(config, "free", "FREE", 20);
  Add(config, "paid", "PAID", 200);
  Add(config, "unlimited", "PAID", 0);
}

std::vector<std::string> TierNames(const config::v1::Config& config) {
  std::vector<std::string> names;
  for (const auto& tier : config.tiers()) names.push_back(tier.name());
  return names;
}

}  // namespace penstock::host
