#include "services/dispatcher/turn/live_list.h"

#include <string>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

// With images of so many bytes.
std::vector<chat::v1::Turn> TurnsWith(const std::vector<size_t>& image_bytes) {
  std::vector<chat::v1::Turn> turns;
  for (const size_t bytes : image_bytes) {
    chat::v1::Turn& turn = turns.emplace_back();
    turn.set_name(absl::StrCat("sessions/s1/turns/t", turns.size()));
    turn.add_input()->mutable_image()->set_data(std::string(bytes, 'x'));
    turn.add_output()->add_parts()->mutable_text()->set_text("A boat");
  }
  return turns;
}

std::string WholeOnes(const std::vector<chat::v1::Turn>& turns) {
  std::string whole;
  for (const auto& turn : turns) {
    EXPECT_NE(turn.name(), "");
    EXPECT_EQ(turn.input().empty(), turn.output().empty());
    absl::StrAppend(&whole, turn.input().empty() ? "-" : "+");
  }
  return whole;
}

TEST(LiveList, IsWholeUpToItsBytes) {
  auto turns = TurnsWith({1'000'000, 1'000'000});

  FitIntoMessage(turns);

  EXPECT_EQ(WholeOnes(turns), "++");
}

TEST(LiveList, IsInShortFromTheTurnThatPassesThem) {
  auto turns = TurnsWith({1'000'000, 1'000'000, 1'000'000, 10});

  FitIntoMessage(turns);

  EXPECT_EQ(WholeOnes(turns), "++--");
}

TEST(LiveList, OfManyLargeTurnsFitsIntoAMessage) {
  auto turns = TurnsWith(std::vector<size_t>(64, 1'000'000));

  FitIntoMessage(turns);

  size_t bytes = 0;
  for (const auto& turn : turns) bytes += turn.ByteSizeLong();
  EXPECT_LE(bytes, kMaxListBytes + 64 * 100);
}

}  // namespace
}  // namespace penstock::dispatcher
