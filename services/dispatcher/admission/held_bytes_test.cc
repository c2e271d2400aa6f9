#include "services/dispatcher/admission/held_bytes.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"

namespace penstock::dispatcher {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kEta = absl::Seconds(30);

BroughtBytes Brought(int64_t bytes, chat::v1::TurnClass turn_class = chat::v1::CLASS_ACTION,
                     const std::string& tenant = "acme") {
  return {.tenant = tenant, .turn_class = turn_class, .bytes = bytes};
}

std::shared_ptr<HeldBytes> MakeHeld(int64_t bytes, double tenant_share = 1) {
  return std::make_shared<HeldBytes>(HeldBytesLimits{.bytes = bytes, .tenant_share = tenant_share});
}

TEST(HeldBytes, AreBoundedAndGivenBack) {
  const auto held = MakeHeld(1000);
  auto first = held->Take(Brought(600), kEta);
  ASSERT_TRUE(first.ok());

  const absl::Status refused = held->Take(Brought(401), kEta).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_EQ(MetadataOf(refused, "limit"), "1000 bytes");
  EXPECT_EQ(MetadataOf(refused, "class"), "CLASS_ACTION");
  EXPECT_EQ(RetryAfterOf(refused), kEta);
  EXPECT_THAT(refused.message(), HasSubstr("turns hold 600 bytes, with the 401 of a turn"));
  const auto second = held->Take(Brought(400), kEta);
  EXPECT_TRUE(second.ok());
  EXPECT_EQ(held->bytes(), 1000);

  *first = HeldBytes::Part();
  EXPECT_EQ(held->bytes(), 400);
  EXPECT_TRUE(held->Take(Brought(600), kEta).ok());
}

TEST(HeldBytes, FillForLowerClassesFirst) {
  const auto held = MakeHeld(100);
  std::vector<HeldBytes::Part> parts;
  const auto fill = [&](chat::v1::TurnClass turn_class) {
    int64_t taken = 0;
    while (true) {
      auto part = held->Take(Brought(1, turn_class), kEta);
      if (!part.ok()) return taken;
      parts.push_back(*std::move(part));
      ++taken;
    }
  };

  EXPECT_EQ(fill(chat::v1::CLASS_BATCH), 50);
  EXPECT_EQ(fill(chat::v1::CLASS_FREE), 25);
  EXPECT_EQ(fill(chat::v1::CLASS_PAID), 15);
  EXPECT_EQ(fill(chat::v1::CLASS_ACTION), 10);
}

TEST(HeldBytes, LeaveRoomForOtherTenants) {
  const auto held = MakeHeld(1000, 0.8);
  const auto first = held->Take(Brought(800), kEta);
  ASSERT_TRUE(first.ok());

  const absl::Status refused = held->Take(Brought(1), kEta).status();

  EXPECT_EQ(MetadataOf(refused, "limit"), "800 bytes");
  EXPECT_THAT(refused.message(), HasSubstr("turns of tenant acme hold 800 bytes"));
  EXPECT_TRUE(held->Take(Brought(200, chat::v1::CLASS_ACTION, "beta"), kEta).ok());
}

TEST(HeldBytes, WhoFindsNothingHeldJoinsHoweverMuchItBrings) {
  const auto held = MakeHeld(1, 0.001);

  const auto large = held->Take(Brought(1'000'000, chat::v1::CLASS_BATCH), kEta);

  EXPECT_TRUE(large.ok()) << large.status();
  EXPECT_FALSE(held->Take(Brought(1), kEta).ok());
}

TEST(HeldBytes, OfAnEarlierLifeAreNotRefused) {
  const auto held = MakeHeld(10);

  std::vector<HeldBytes::Part> parts;
  for (int i = 0; i < 3; ++i) parts.push_back(held->TakeAgain(Brought(10)));

  EXPECT_FALSE(held->Take(Brought(1), kEta).ok());
  parts.clear();
  EXPECT_TRUE(held->Take(Brought(1), kEta).ok());
}

TEST(HeldBytes, ASmallerLimitHoldsForThoseThatCome) {
  const auto held = MakeHeld(1000);
  auto first = held->Take(Brought(600), kEta);

  held->SetLimits({.bytes = 100, .tenant_share = 1});

  EXPECT_EQ(held->bytes(), 600);
  EXPECT_FALSE(held->Take(Brought(1), kEta).ok());
  *first = HeldBytes::Part();
  EXPECT_TRUE(held->Take(Brought(1), kEta).ok());
}

}  // namespace
}  // namespace penstock::dispatcher
