#include "services/gateway/turn_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/testing.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using chat::v1::Turn;
using testing::ElementsAre;
using testing::IsEmpty;

// Turn number `n` of session s1, accepted in second `n`.
Turn TurnOf(int n, Turn::State state = Turn::SUCCEEDED) {
  Turn turn;
  turn.set_name(absl::StrCat("sessions/s1/turns/t", n));
  turn.set_sequence(n);
  turn.mutable_create_time()->set_seconds(n);
  turn.set_state(state);
  return turn;
}

std::vector<Turn> Ended(std::vector<int> numbers) {
  std::vector<Turn> turns;
  for (const int n : numbers) turns.push_back(TurnOf(n));
  return turns;
}

std::vector<Turn> Live(std::vector<int> numbers) {
  std::vector<Turn> turns;
  for (const int n : numbers) turns.push_back(TurnOf(n, Turn::QUEUED));
  return turns;
}

std::vector<int64_t> Numbers(const TurnListPage& page) {
  std::vector<int64_t> numbers;
  for (const Turn& turn : page.turns) numbers.push_back(turn.sequence());
  return numbers;
}

v1::ListTurnsRequest Request(std::string parent = "sessions/s1", int page_size = 0) {
  v1::ListTurnsRequest request;
  request.set_parent(std::move(parent));
  request.set_page_size(page_size);
  return request;
}

TEST(TurnList, LiveTurnsStandAmongEndedOnesNewestFirst) {
  for (const std::string parent : {"sessions/s1", "sessions/-"}) {
    const TurnListPage page = MergeTurns(Request(parent), {}, {Live({6, 4}), Ended({5, 3, 2}), ""});

    EXPECT_THAT(Numbers(page), ElementsAre(6, 5, 4, 3, 2)) << parent;
    EXPECT_FALSE(page.next) << parent;
  }
}

TEST(TurnList, TurnThatEndedBetweenTheTwoReadsIsShownAsItEnded) {
  const TurnListPage page = MergeTurns(Request(), {}, {Live({3}), Ended({3, 2}), ""});

  EXPECT_THAT(Numbers(page), ElementsAre(3, 2));
  EXPECT_EQ(page.turns[0].state(), Turn::SUCCEEDED);
}

TEST(TurnList, PagesShowEveryTurnOnceAlsoWhenLiveOnesEndMeanwhile) {
  const v1::ListTurnsRequest request = Request("sessions/s1", 3);

  const TurnListPage first = MergeTurns(request, {}, {Live({7, 4}), Ended({6, 5, 3}), "after3"});
  ASSERT_TRUE(first.next);
  // 7 and 4 have ended; session-state's first page is read again.
  const TurnListPage second = MergeTurns(request, *first.next, {{}, Ended({7, 6, 5}), "after5"});
  ASSERT_TRUE(second.next);
  const TurnListPage third = MergeTurns(request, *second.next, {{}, Ended({4, 3, 2}), ""});

  EXPECT_THAT(Numbers(first), ElementsAre(7, 6, 5));
  EXPECT_EQ(first.next->ended_token, "");
  EXPECT_THAT(Numbers(second), IsEmpty());
  EXPECT_EQ(second.next->ended_token, "after5");
  EXPECT_THAT(Numbers(third), ElementsAre(4, 3, 2));
  EXPECT_FALSE(third.next);
}

TEST(TurnList, LiveTurnOlderThanThePageWaitsForALaterOne) {
  const v1::ListTurnsRequest request = Request("sessions/s1", 2);

  const TurnListPage first = MergeTurns(request, {}, {Live({2}), Ended({5, 4}), "after4"});
  const TurnListPage second = MergeTurns(request, *first.next, {Live({2}), Ended({3, 1}), ""});

  EXPECT_THAT(Numbers(first), ElementsAre(5, 4));
  EXPECT_EQ(first.next->ended_token, "after4");
  EXPECT_THAT(Numbers(second), ElementsAre(3, 2));
  EXPECT_TRUE(second.next);
}

TEST(TurnList, PageEndsBeforeTwoMebibytesButHoldsOneTurn) {
  std::vector<Turn> large = Ended({3, 2, 1});
  for (Turn& turn : large) turn.add_input()->mutable_text()->set_text(std::string(3 << 20, 'x'));

  const TurnListPage page = MergeTurns(Request(), {}, {{}, large, ""});

  EXPECT_THAT(Numbers(page), ElementsAre(3));
  EXPECT_TRUE(page.next);
}

TEST(TurnList, FiltersLiveTurnsAsSessionStateFiltersEndedOnes) {
  v1::ListTurnsRequest request = Request();
  Turn live = TurnOf(1, Turn::QUEUED);
  live.set_request_id("r1");

  EXPECT_TRUE(IsWanted(request, live));
  request.set_request_id("r2");
  EXPECT_FALSE(IsWanted(request, live));
  request.set_request_id("r1");
  request.add_states(Turn::RUNNING);
  EXPECT_FALSE(IsWanted(request, live));
  request.add_states(Turn::QUEUED);
  EXPECT_TRUE(IsWanted(request, live));
  live.set_state(Turn::CANCELLED);
  EXPECT_FALSE(IsWanted(request, live));
}

TEST(TurnListToken, ComesBackAsItWas) {
  const auto user = identity::UserKeyForTest("t", "u");
  v1::ListTurnsRequest request = Request();
  const TurnListPosition position{"ended-token", TurnRank{7, "t7"}, TurnRank{-1, "a_b~c"}};

  request.set_page_token(EncodePageToken(user, request, position));
  const auto decoded = DecodePageToken(user, request);

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->ended_token, "ended-token");
  EXPECT_EQ(decoded->live_shown, position.live_shown);
  EXPECT_EQ(decoded->ended_shown, position.ended_shown);
}

TEST(TurnListToken, IsRefusedWithAnotherUserParentOrFilter) {
  const auto user = identity::UserKeyForTest("t", "u");
  v1::ListTurnsRequest request = Request();
  request.set_page_token(EncodePageToken(user, request, {"x", {}, {}}));
  std::vector<v1::ListTurnsRequest> others(4, request);
  others[0].set_parent("sessions/-");
  others[1].add_states(Turn::FAILED);
  others[2].set_request_id("r");
  others[3].set_page_token("AAAA");

  for (const auto& other : others) {
    EXPECT_EQ(MetadataOf(DecodePageToken(user, other).status(), "field"), "page_token");
  }
  const auto stranger = identity::UserKeyForTest("t", "v");
  EXPECT_EQ(MetadataOf(DecodePageToken(stranger, request).status(), "field"), "page_token");
}

TEST(TurnList, APageIsCutWhereItsTurnsAreTooLarge) {
  TurnListPage page = MergeTurns(Request(), {}, {Live({6, 5, 4}), Ended({3}), "next"});
  for (Turn& turn : page.turns) {
    turn.add_input()->mutable_image()->set_data(std::string(1'000'000, 'x'));
  }

  CutPage(Request(), {}, page);

  EXPECT_THAT(Numbers(page), ElementsAre(6, 5));
  ASSERT_TRUE(page.next);
  EXPECT_EQ(page.next->ended_token, "");
  const TurnListPage rest = MergeTurns(Request(), *page.next, {Live({6, 5, 4}), Ended({3}), ""});
  EXPECT_THAT(Numbers(rest), ElementsAre(4, 3));
}

TEST(TurnList, APageThatFitsIsNotCut) {
  TurnListPage page = MergeTurns(Request(), {}, {Live({6, 5}), {}, ""});
  page.turns[0].add_input()->mutable_image()->set_data(std::string(1'000'000, 'x'));

  CutPage(Request(), {}, page);

  EXPECT_THAT(Numbers(page), ElementsAre(6, 5));
  EXPECT_FALSE(page.next);
}

TEST(TurnList, OnlyALiveTurnWithoutInputIsInShort) {
  Turn live = TurnOf(1, Turn::QUEUED);
  EXPECT_TRUE(IsInShort(live));
  EXPECT_FALSE(IsInShort(TurnOf(1, Turn::SUCCEEDED)));

  live.add_input()->mutable_text()->set_text("Hi");

  EXPECT_FALSE(IsInShort(live));
}

}  // namespace
}  // namespace penstock::gateway
