#include "services/dispatcher/limits/model_lanes.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

config::v1::Model Model(const std::string& text) {
  config::v1::Model model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &model));
  return model;
}

TEST(LanesOf, AModelWithoutLanesHasTheOneOfItsProvider) {
  const auto lanes =
      LanesOf(Model(R"pb(name: "sim/echo/1" concurrency: 3)pb"), absl::ZeroDuration(), /*seed=*/1);

  ASSERT_EQ(lanes->size(), 1);
  EXPECT_EQ(lanes->name(0), "sim");
  EXPECT_EQ(lanes->concurrency(absl::ZeroDuration()), 3);
}

TEST(LanesOf, ALaneHasTheModelsLimitsUnlessItHasItsOwn) {
  const auto lanes = LanesOf(Model(R"pb(
                               name: "best/echo"
                               concurrency: 3
                               limits { tokens_per_minute: 100 }
                               lanes { provider: "east" weight: 1 }
                               lanes {
                                 provider: "west"
                                 weight: 1
                                 concurrency: 5
                                 limits { tokens_per_minute: 1000 }
                               }
                               lanes {
                                 provider: "north"
                                 weight: 1
                                 limits { renewal: "SLIDING" }
                               }
                             )pb"),
                             absl::ZeroDuration(), /*seed=*/1);

  ASSERT_EQ(lanes->size(), 3);
  EXPECT_EQ(lanes->Find("west"), 1);
  EXPECT_EQ(lanes->Load(0, absl::ZeroDuration()).concurrency, 3);
  EXPECT_EQ(lanes->Load(1, absl::ZeroDuration()).concurrency, 5);
  EXPECT_EQ(lanes->LanesFor({.input_tokens = 500, .output_tokens = 0}), 0b010u);
}

}  // namespace
}  // namespace penstock::dispatcher
