#include "services/dispatcher/admission/tiers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/testing.h"

namespace penstock::dispatcher {
namespace {

identity::Principal Of(const std::string& tenant, const std::string& tier) {
  return {tenant, "u", tier, {}, absl::UnixEpoch(), "", identity::UserKeyForTest(tenant, "u")};
}

TEST(Tiers, AreFoundByTheirNamesAndSayTheClassOfATurn) {
  config::v1::Config config;
  config.add_tiers()->set_name("free");
  config.mutable_tiers(0)->set_turn_class("FREE");
  config.add_tiers()->set_name("gold");
  config.mutable_tiers(1)->set_turn_class("PAID");
  config.add_tenants()->set_name("acme");
  const Tiers tiers(config);

  EXPECT_EQ(ClassOf(**tiers.TierOf(Of("acme", "free"))), chat::v1::CLASS_FREE);
  EXPECT_EQ(ClassOf(**tiers.TierOf(Of("acme", "gold"))), chat::v1::CLASS_PAID);
  EXPECT_EQ(tiers.TenantOf(Of("acme", "free")), &config.tenants(0));
  EXPECT_EQ(tiers.TenantOf(Of("beta", "free")), nullptr);
}

TEST(Tiers, OneThatIsNotConfiguredIsRefusedWithThoseThatAre) {
  config::v1::Config config;
  config.add_tiers()->set_name("free");
  config.add_tiers()->set_name("gold");

  const absl::Status refused = Tiers(config).TierOf(Of("acme", "paid")).status();

  EXPECT_EQ(ReasonOf(refused), "FIELD_INVALID");
  EXPECT_THAT(refused.message(), testing::HasSubstr("found \"paid\""));
  EXPECT_THAT(refused.message(), testing::HasSubstr("free, gold"));
}

}  // namespace
}  // namespace penstock::dispatcher
