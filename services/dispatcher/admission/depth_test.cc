#include "services/dispatcher/admission/depth.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"

namespace penstock::dispatcher {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kEta = absl::Seconds(30);

WaitingPart Part(chat::v1::TurnClass turn_class, int64_t tokens = 1,
                 const std::string& tenant = "acme") {
  return {.tenant = tenant, .turn_class = turn_class, .tokens = tokens};
}

std::shared_ptr<Depth> MakeDepth(DepthLimits limits) {
  return std::make_shared<Depth>("p/m", limits);
}

// How many turns of the class join.
int64_t Fill(Depth& depth, chat::v1::TurnClass turn_class, std::vector<Depth::Place>& places,
             const std::string& tenant = "acme") {
  int64_t joined = 0;
  while (true) {
    auto place = depth.Join(Part(turn_class, 1, tenant), kEta);
    if (!place.ok()) return joined;
    places.push_back(*std::move(place));
    ++joined;
  }
}

TEST(Depth, FillsForLowerClassesFirst) {
  const auto depth = MakeDepth({.turns = 100, .tokens = 1000, .tenant_share = 1});
  std::vector<Depth::Place> places;

  EXPECT_EQ(Fill(*depth, chat::v1::CLASS_BATCH, places), 50);
  EXPECT_EQ(Fill(*depth, chat::v1::CLASS_FREE, places), 25);
  EXPECT_EQ(Fill(*depth, chat::v1::CLASS_PAID, places), 15);
  EXPECT_EQ(Fill(*depth, chat::v1::CLASS_ACTION, places), 10);
  const absl::Status refused = depth->Join(Part(chat::v1::CLASS_ACTION), kEta).status();
  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_EQ(MetadataOf(refused, "limit"), "100");
  EXPECT_EQ(RetryAfterOf(refused), kEta);

  places.pop_back();
  EXPECT_TRUE(depth->Join(Part(chat::v1::CLASS_ACTION), kEta).ok());
  places.clear();
  EXPECT_EQ(Fill(*depth, chat::v1::CLASS_BATCH, places), 50);
}

TEST(Depth, FillsByTokensInTheSameParts) {
  const auto depth = MakeDepth({.turns = 100, .tokens = 1000, .tenant_share = 1});

  const auto first = depth->Join(Part(chat::v1::CLASS_BATCH, 400), kEta);
  EXPECT_FALSE(depth->Join(Part(chat::v1::CLASS_BATCH, 101), kEta).ok());
  const auto second = depth->Join(Part(chat::v1::CLASS_BATCH, 100), kEta);
  EXPECT_TRUE(second.ok());
  const absl::Status refused = depth->Join(Part(chat::v1::CLASS_FREE, 251), kEta).status();

  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_EQ(MetadataOf(refused, "limit"), "750 tokens");
  EXPECT_THAT(refused.message(), HasSubstr("500 tokens wait"));
  EXPECT_TRUE(depth->Join(Part(chat::v1::CLASS_ACTION, 500), kEta).ok());
}

TEST(Depth, WhoFindsNobodyThereJoins) {
  const auto depth = MakeDepth({.turns = 1, .tokens = 10, .tenant_share = 0.001});

  const auto large = depth->Join(Part(chat::v1::CLASS_BATCH, 1'000'000), kEta);

  EXPECT_TRUE(large.ok()) << large.status();
  EXPECT_FALSE(depth->Join(Part(chat::v1::CLASS_ACTION), kEta).ok());
}

TEST(Depth, LeavesRoomForOtherTenants) {
  const auto depth = MakeDepth({.turns = 100, .tokens = 1000, .tenant_share = 0.8});
  std::vector<Depth::Place> places;

  EXPECT_EQ(Fill(*depth, chat::v1::CLASS_PAID, places), 72);
  EXPECT_THAT(depth->Join(Part(chat::v1::CLASS_PAID), kEta).status().message(),
              HasSubstr("72 turns of tenant acme wait"));
  EXPECT_EQ(Fill(*depth, chat::v1::CLASS_ACTION, places), 8);
  EXPECT_EQ(Fill(*depth, chat::v1::CLASS_PAID, places, "beta"), 10);
}

TEST(Depth, WhatAnEarlierLifeAcceptedIsNotRefused) {
  const auto depth = MakeDepth({.turns = 2, .tokens = 10, .tenant_share = 1});

  std::vector<Depth::Place> places;
  for (int i = 0; i < 5; ++i) places.push_back(depth->JoinAgain(Part(chat::v1::CLASS_BATCH)));

  EXPECT_FALSE(depth->Join(Part(chat::v1::CLASS_ACTION), kEta).ok());
  places.resize(1);
  EXPECT_TRUE(depth->Join(Part(chat::v1::CLASS_ACTION), kEta).ok());
}

TEST(Depth, ARefusalForEverySizeHoldsForAPartOfTheWait) {
  const auto depth = MakeDepth({.turns = 2, .tokens = 1000, .tenant_share = 1});
  std::vector<Depth::Place> places;
  EXPECT_TRUE(depth->HasRoom("acme", chat::v1::CLASS_BATCH));
  Fill(*depth, chat::v1::CLASS_BATCH, places);

  EXPECT_FALSE(depth->HasRoom("acme", chat::v1::CLASS_BATCH));
  EXPECT_TRUE(depth->HasRoom("acme", chat::v1::CLASS_ACTION));
  const auto holds = [&](absl::Duration eta) {
    return MetadataOf(depth->CheckRoom("acme", chat::v1::CLASS_BATCH, eta), "holds_ms");
  };
  EXPECT_EQ(holds(absl::Seconds(30)), "100");
  EXPECT_EQ(holds(absl::Seconds(1)), "50");
  EXPECT_EQ(holds(absl::ZeroDuration()), "");
  // Of one turn: a smaller one may find room.
  EXPECT_EQ(MetadataOf(depth->Join(Part(chat::v1::CLASS_BATCH), kEta).status(), "holds_ms"), "");
}

}  // namespace
}  // namespace penstock::dispatcher
