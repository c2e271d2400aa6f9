#include "services/dispatcher/queue/fair_options.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

TEST(FairOptions, TokensWeighAsTheModelChargesForThem) {
  config::v1::Model model;
  model.mutable_price()->set_input(0.5);
  model.mutable_price()->set_output(1.5);
  EXPECT_DOUBLE_EQ(FairOptionsOf({}, model).cost.output, 3);
  EXPECT_DOUBLE_EQ(FairOptionsOf({}, model).cost.cached_input, 1);

  model.mutable_price()->set_cache_read(0.05);
  EXPECT_DOUBLE_EQ(FairOptionsOf({}, model).cost.cached_input, 0.1);
}

TEST(FairOptions, AFreeModelWeighsTokensAsOneWithoutAPrice) {
  config::v1::Model free;
  free.mutable_price()->set_input(0);
  free.mutable_price()->set_output(0);

  EXPECT_DOUBLE_EQ(FairOptionsOf({}, free).cost.output, TokenCost().output);
  EXPECT_DOUBLE_EQ(FairOptionsOf({}, {}).cost.output, TokenCost().output);
}

TEST(FairOptions, WeightsFloorsAndCapsAreTheConfigurations) {
  config::v1::Config config;
  auto& tenant = *config.add_tenants();
  tenant.set_name("big");
  tenant.set_weight(4);
  config.mutable_queue()->set_free_floor(0.1);
  config.mutable_queue()->set_batch_cap(0.5);

  const FairSchedulerOptions options = FairOptionsOf(config, {});
  EXPECT_DOUBLE_EQ(options.shares.weights.at("big"), 4);
  EXPECT_DOUBLE_EQ(options.shares.classes[chat::v1::CLASS_FREE].floor, 0.1);
  EXPECT_DOUBLE_EQ(options.shares.classes[chat::v1::CLASS_ACTION].floor, 0);
  EXPECT_DOUBLE_EQ(options.shares.classes[chat::v1::CLASS_ACTION].cap, 1);
  EXPECT_DOUBLE_EQ(options.shares.classes[chat::v1::CLASS_BATCH].cap, 0.5);
}

}  // namespace
}  // namespace penstock::dispatcher
