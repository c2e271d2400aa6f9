#include "libs/host/config_reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::host {
namespace {

using config::v1::Config;
using testing::ElementsAre;
using testing::IsEmpty;

Config Sample() {
  Config config;
  config.set_data_dir("data");
  config.mutable_queue()->set_paid_floor(0.2);
  config.mutable_turn()->set_max_waiting(10);
  config.add_tenants()->set_name("acme");
  return config;
}

TEST(ConfigReload, NothingHasChanged) {
  const ChangedSections changed = Compare(Sample(), Sample());

  EXPECT_THAT(changed.now, IsEmpty());
  EXPECT_THAT(changed.at_next_start, IsEmpty());
}

TEST(ConfigReload, SaysWhatCountsNowAndWhatAtTheNextStart) {
  Config after = Sample();
  after.set_data_dir("elsewhere");
  after.mutable_turn()->set_max_waiting(11);
  after.mutable_queue()->set_paid_floor(0.3);
  after.mutable_tenants(0)->set_weight(2);
  after.add_tiers()->set_name("gold");

  const ChangedSections changed = Compare(Sample(), after);

  EXPECT_THAT(changed.now, ElementsAre("queue", "tenants", "tiers"));
  EXPECT_THAT(changed.at_next_start, ElementsAre("data_dir", "turn"));
}

TEST(ConfigReload, TakesOverWhatCountsNowAndLeavesTheRest) {
  Config after = Sample();
  after.set_data_dir("elsewhere");
  after.mutable_queue()->set_paid_floor(0.3);
  after.clear_tenants();

  const Config merged = Reloaded(Sample(), after);

  EXPECT_EQ(merged.data_dir(), "data");
  EXPECT_EQ(merged.queue().paid_floor(), 0.3);
  EXPECT_EQ(merged.tenants_size(), 0);
}

}  // namespace
}  // namespace penstock::host
