// Turns: begin, end, fences, history.
#include "libs/base/refusal.h"
#include "services/session_state/session_store_conformance.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Turn;
using session::v1::Context;
using testing::ElementsAre;
using testing::IsEmpty;

// "turn t1 says", "turn t1 answers" … as a list.
std::vector<std::string> Texts(const Context& context) {
  std::vector<std::string> texts;
  for (const auto& message : context.history()) texts.push_back(message.parts(0).text().text());
  return texts;
}

std::string InputText(const Turn& turn) { return turn.input(0).text().text(); }

}  // namespace

TEST_P(SessionStoreConformance, ATurnThatEndedIsReadBackAlsoAfterARestart) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());
  const auto committed = Commit("s1", "t1", Turn::SUCCEEDED, FenceOf(1, 1));
  ASSERT_TRUE(committed.ok()) << committed.status();
  Reopen();

  const auto read = Await(store().GetTurn(user_, {"s1", "t1"}));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->DebugString(), committed->turn().DebugString());
  EXPECT_FALSE(committed->already_committed());
  EXPECT_EQ(read->name(), "sessions/s1/turns/t1");
  EXPECT_EQ(read->state(), Turn::SUCCEEDED);
  EXPECT_EQ(read->sequence(), 1);
  EXPECT_EQ(InputText(*read), "turn t1 says");
  EXPECT_EQ(read->output(0).parts(0).text().text(), "turn t1 answers");
  EXPECT_EQ(read->request_id(), "request-t1");
  EXPECT_EQ(read->agent(), "agents/default");
  EXPECT_EQ(read->labels().at("from"), "test");
  EXPECT_EQ(read->usage().input_tokens(), 7);
}

TEST_P(SessionStoreConformance, ATurnThatHasOnlyBegunIsNotShown) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());

  const absl::Status status = Await(store().GetTurn(user_, {"s1", "t1"})).status();

  EXPECT_EQ(ReasonOf(status), "TURN_NOT_FOUND");
  EXPECT_EQ(MetadataOf(status, "name"), "sessions/s1/turns/t1");
  EXPECT_EQ(TurnPages({}), "|");
}

TEST_P(SessionStoreConformance, BeginTurnMakesAMissingSessionAndCountsEachTurnOnce) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 2)).ok());
  ASSERT_TRUE(Commit("s1", "t1", Turn::FAILED, FenceOf(1, 2)).ok());
  now_ += absl::Hours(1);
  ASSERT_TRUE(Begin("s1", "t2", 2, FenceOf(1, 3)).ok());

  const auto session = Get("s1");
  const auto resolved = Await(store().ResolveSession(user_, "s1"));

  EXPECT_EQ(session->turn_count(), 2);
  EXPECT_EQ(session->agent(), "agents/default");
  EXPECT_EQ(session->expire_time().seconds(), absl::ToUnixSeconds(now_ + absl::Hours(720)));
  EXPECT_EQ(resolved->last_sequence, 2);
}

TEST_P(SessionStoreConformance, TheInputIsStoredOnce) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());
  BeginTurnArgs again = BeginArgs("s1", "t1", 1, FenceOf(2, 1));
  again.accepted.mutable_input(0)->mutable_text()->set_text("something else");
  ASSERT_TRUE(Await(store().BeginTurn(user_, again)).ok());

  CommitTurnArgs commit = CommitArgs("s1", "t1", Turn::SUCCEEDED, FenceOf(2, 1));
  commit.turn.add_input()->mutable_text()->set_text("something else");
  const auto committed = Await(store().CommitTurn(user_, commit));

  EXPECT_EQ(InputText(committed->turn()), "turn t1 says");
}

// The table of BeginTurn and CommitTurn, row by row.
TEST_P(SessionStoreConformance, BeginOfAnEndedTurnAnswersItsOutcomeWhateverTheFence) {
  RunTurn("s1", "t1", 1);
  ASSERT_TRUE(Begin("s1", "t2", 2, FenceOf(5, 1)).ok());

  for (const Fence& fence : {FenceOf(0, 0), FenceOf(1, 1), FenceOf(5, 1), FenceOf(9, 9)}) {
    const auto begun = Begin("s1", "t1", 1, fence);
    ASSERT_TRUE(begun.ok()) << begun.status();
    EXPECT_TRUE(begun->has_ended());
    EXPECT_EQ(begun->ended().state(), Turn::SUCCEEDED);
  }

  EXPECT_TRUE(Commit("s1", "t2", Turn::SUCCEEDED, FenceOf(5, 1)).ok());
}

TEST_P(SessionStoreConformance, BeginWithAnOlderFenceIsRefused) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(3, 7)).ok());
  Reopen();

  for (const Fence& fence : {FenceOf(2, 9), FenceOf(3, 6), FenceOf(0, 0)}) {
    for (const char* turn : {"t1", "t2"}) {
      const absl::Status status = Begin("s1", turn, 1, fence).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(ReasonOf(status), "FENCED");
      EXPECT_EQ(MetadataOf(status, "epoch"), "3");
    }
  }
  EXPECT_TRUE(Begin("s1", "t1", 1, FenceOf(3, 7)).ok());
  EXPECT_TRUE(Begin("s1", "t1", 1, FenceOf(3, 8)).ok());
  EXPECT_TRUE(Begin("s1", "t1", 1, FenceOf(4, 1)).ok());
  EXPECT_EQ(ReasonOf(Begin("s1", "t1", 1, FenceOf(3, 9)).status()), "FENCED");
}

TEST_P(SessionStoreConformance, CommitOfAnEndedTurnAnswersTheStoredOutcomeWhateverTheFence) {
  RunTurn("s1", "t1", 1);
  ASSERT_TRUE(Begin("s1", "t2", 2, FenceOf(5, 1)).ok());

  for (const Fence& fence : {FenceOf(0, 0), FenceOf(1, 1), FenceOf(9, 9)}) {
    CommitTurnArgs args = CommitArgs("s1", "t1", Turn::CANCELLED, fence);
    args.with_input = fence.epoch() == 9;
    const auto committed = Await(store().CommitTurn(user_, args));
    ASSERT_TRUE(committed.ok()) << committed.status();
    EXPECT_TRUE(committed->already_committed());
    EXPECT_EQ(committed->turn().state(), Turn::SUCCEEDED);
    EXPECT_EQ(InputText(committed->turn()), "turn t1 says");
  }

  EXPECT_TRUE(Commit("s1", "t2", Turn::SUCCEEDED, FenceOf(5, 1)).ok());
}

TEST_P(SessionStoreConformance, CommitWithAnOlderFenceIsRefused) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(3, 7)).ok());

  for (const Fence& fence : {FenceOf(2, 9), FenceOf(3, 6)}) {
    EXPECT_EQ(ReasonOf(Commit("s1", "t1", Turn::SUCCEEDED, fence).status()), "FENCED");
    EXPECT_EQ(ReasonOf(Commit("s1", "t1", Turn::CANCELLED, fence).status()), "FENCED");
    EXPECT_EQ(ReasonOf(Commit("s1", "unknown", Turn::SUCCEEDED, fence).status()), "FENCED");
  }

  EXPECT_TRUE(Commit("s1", "t1", Turn::SUCCEEDED, FenceOf(3, 7)).ok());
}

TEST_P(SessionStoreConformance, CommitOfATurnThatNeverBeganIsRefused) {
  for (const char* session : {"missing", "s1"}) {
    for (const State state : {Turn::SUCCEEDED, Turn::FAILED, Turn::CANCELLED, Turn::EXPIRED}) {
      const absl::Status status = Commit(session, "t1", state, FenceOf(1, 1)).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(ReasonOf(status), "NOT_BEGUN");
    }
    ASSERT_TRUE(Create(session == std::string("s1") ? "s3" : "s1").ok());
  }
  CommitTurnArgs succeeded = CommitArgs("s1", "t1", Turn::SUCCEEDED, FenceOf(1, 1));
  succeeded.turn = Ended("t1", Turn::SUCCEEDED, 1);
  succeeded.with_input = true;

  EXPECT_EQ(ReasonOf(Await(store().CommitTurn(user_, succeeded)).status()), "NOT_BEGUN");
  EXPECT_EQ(ReasonOf(Get("missing").status()), "SESSION_NOT_FOUND");
}

TEST_P(SessionStoreConformance, ATurnThatNeverBeganIsEndedWithItsInput) {
  ASSERT_TRUE(Begin("s1", "running", 1, FenceOf(3, 7)).ok());
  int sequence = 1;
  for (const State state : {Turn::FAILED, Turn::CANCELLED, Turn::EXPIRED}) {
    const std::string turn = absl::StrCat("t", ++sequence);
    CommitTurnArgs args = CommitArgs("s1", turn, state, FenceOf(3, 0));
    args.turn = Ended(turn, state, sequence);
    args.with_input = true;
    const auto committed = Await(store().CommitTurn(user_, args));
    ASSERT_TRUE(committed.ok()) << committed.status();
    EXPECT_FALSE(committed->already_committed());
    EXPECT_EQ(InputText(committed->turn()), absl::StrCat("turn ", turn, " says"));
    args.fence = FenceOf(2, 9);
    args.ids.turn = "of an older epoch";
    EXPECT_EQ(ReasonOf(Await(store().CommitTurn(user_, args)).status()), "FENCED");
  }
  Reopen();

  EXPECT_EQ(Get("s1")->turn_count(), 4);
  EXPECT_EQ(Await(store().ResolveSession(user_, "s1"))->last_sequence, 4);
  EXPECT_TRUE(Commit("s1", "running", Turn::SUCCEEDED, FenceOf(3, 7)).ok());
}

TEST_P(SessionStoreConformance, EndingATurnThatNeverBeganDoesNotRaiseTheFence) {
  ASSERT_TRUE(Begin("s1", "running", 1, FenceOf(3, 7)).ok());
  CommitTurnArgs args = CommitArgs("s1", "t2", Turn::CANCELLED, FenceOf(9, 9));
  args.turn = Ended("t2", Turn::CANCELLED, 2);
  args.with_input = true;

  ASSERT_TRUE(Await(store().CommitTurn(user_, args)).ok());

  EXPECT_TRUE(Commit("s1", "running", Turn::SUCCEEDED, FenceOf(3, 7)).ok());
}

TEST_P(SessionStoreConformance, ATurnWhoseSessionIsMissingIsStoredWhenItEndsUnbegun) {
  CommitTurnArgs args = CommitArgs("s1", "t1", Turn::EXPIRED, FenceOf(1, 0));
  args.turn = Ended("t1", Turn::EXPIRED, 1);
  args.with_input = true;

  ASSERT_TRUE(Await(store().CommitTurn(user_, args)).ok());
  Reopen();

  EXPECT_EQ(Await(store().GetTurn(user_, {"s1", "t1"}))->state(), Turn::EXPIRED);
  EXPECT_EQ(Get("s1")->turn_count(), 1);
}

TEST_P(SessionStoreConformance, ABeginThatWasLostIsRepeatedAfterNotBegun) {
  ASSERT_EQ(ReasonOf(Commit("s1", "t1", Turn::SUCCEEDED, FenceOf(1, 1)).status()), "NOT_BEGUN");

  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());

  EXPECT_TRUE(Commit("s1", "t1", Turn::SUCCEEDED, FenceOf(1, 1)).ok());
  EXPECT_EQ(Get("s1")->turn_count(), 1);
}

Awaitable<int> CommitAs(SessionStore& store, UserKey user, CommitTurnArgs args) {
  const auto committed = co_await store.CommitTurn(user, std::move(args));
  co_return committed.ok() && !committed->already_committed() ? 1 : 0;
}

TEST_P(SessionStoreConformance, OfManyWhoEndATurnAtOnceOneDoes) {
  for (int round = 1; round <= 20; ++round) {
    const std::string turn = absl::StrCat("t", round);
    ASSERT_TRUE(Begin("s1", turn, round, FenceOf(1, round)).ok());
    std::vector<std::future<int>> commits;
    for (const State state : {Turn::SUCCEEDED, Turn::FAILED, Turn::CANCELLED, Turn::EXPIRED}) {
      const auto args = CommitArgs("s1", turn, state, FenceOf(1, round));
      commits.push_back(Start(CommitAs(store(), user_, args)));
    }
    int ended = 0;
    for (auto& commit : commits) ended += commit.get();
    EXPECT_EQ(ended, 1);
  }
  EXPECT_EQ(Get("s1")->turn_count(), 20);
}

Awaitable<bool> RunInOneSession(SessionStore& store, UserKey user, BeginTurnArgs begin,
                                CommitTurnArgs commit) {
  const auto begun = co_await store.BeginTurn(user, std::move(begin));
  if (!begun.ok()) co_return ReasonOf(begun.status()) == "FENCED";
  const auto ended = co_await store.CommitTurn(user, std::move(commit));
  co_return ended.ok() || ReasonOf(ended.status()) == "FENCED";
}

TEST_P(SessionStoreConformance, ManyTurnsOfOneSessionAtOnceEndOrAreFenced) {
  std::vector<std::future<bool>> turns;
  for (int i = 1; i <= 64; ++i) {
    const std::string turn = absl::StrCat("t", i);
    const Fence fence = FenceOf(1, i);
    turns.push_back(Start(RunInOneSession(store(), user_, BeginArgs("s1", turn, i, fence),
                                          CommitArgs("s1", turn, Turn::SUCCEEDED, fence))));
  }
  for (auto& turn : turns) EXPECT_TRUE(turn.get());

  EXPECT_EQ(Await(store().GetTurn(user_, {"s1", "t64"}))->state(), Turn::SUCCEEDED);
  EXPECT_EQ(ReasonOf(Begin("s1", "late", 65, FenceOf(1, 63)).status()), "FENCED");
}

TEST_P(SessionStoreConformance, HistoryIsWhatSucceededBeforeOldestFirst) {
  RunTurn("s1", "t1", 1);
  RunTurn("s1", "t2", 2, Turn::FAILED);
  RunTurn("s1", "t3", 3);
  RunTurn("s1", "t4", 4, Turn::CANCELLED);
  RunTurn("s1", "t9", 9);
  RunTurn("s2", "other", 1);
  ASSERT_TRUE(Begin("s1", "t5", 5, FenceOf(2, 1)).ok());

  const auto begun = Begin("s1", "t6", 6, FenceOf(2, 2));

  EXPECT_THAT(Texts(begun->context()),
              ElementsAre("turn t1 says", "turn t1 answers", "turn t3 says", "turn t3 answers"));
  EXPECT_EQ(begun->context().history(0).role(), chat::v1::USER);
  EXPECT_EQ(begun->context().history(1).role(), chat::v1::ASSISTANT);
  EXPECT_FALSE(begun->context().truncated());
}

TEST_P(SessionStoreConformance, HistoryIsBoundedInTurnsAndInTokens) {
  for (int i = 1; i <= 5; ++i) RunTurn("s1", absl::StrCat("t", i), i);
  BeginTurnArgs two_turns = BeginArgs("s1", "t6", 6, FenceOf(2, 1));
  two_turns.max_turns = 2;
  BeginTurnArgs ten_tokens = BeginArgs("s1", "t6", 6, FenceOf(2, 1));
  ten_tokens.max_tokens = 10;  // a turn of 12 and 15 bytes is 9
  BeginTurnArgs no_tokens = BeginArgs("s1", "t6", 6, FenceOf(2, 1));
  no_tokens.max_tokens = 0;
  BeginTurnArgs all = BeginArgs("s1", "t6", 6, FenceOf(2, 1));
  all.max_turns = 0;

  const auto two = Await(store().BeginTurn(user_, two_turns))->context();
  const auto one = Await(store().BeginTurn(user_, ten_tokens))->context();
  const auto none = Await(store().BeginTurn(user_, no_tokens))->context();
  const auto five = Await(store().BeginTurn(user_, all))->context();

  EXPECT_THAT(Texts(two),
              ElementsAre("turn t4 says", "turn t4 answers", "turn t5 says", "turn t5 answers"));
  EXPECT_TRUE(two.truncated());
  EXPECT_THAT(Texts(one), ElementsAre("turn t5 says", "turn t5 answers"));
  EXPECT_TRUE(one.truncated());
  EXPECT_THAT(Texts(none), IsEmpty());
  EXPECT_TRUE(none.truncated());
  EXPECT_EQ(five.history_size(), 10);
  EXPECT_FALSE(five.truncated());
}

TEST_P(SessionStoreConformance, TurnsOfManySessionsAtOnceKeepTheirHistoriesApart) {
  for (int i = 1; i <= 20; ++i) {
    ASSERT_TRUE(Begin(absl::StrCat("s", i), absl::StrCat("a", i), 1, FenceOf(1, 1)).ok());
  }
  for (int i = 1; i <= 20; ++i) {
    const std::string turn = absl::StrCat("a", i);
    ASSERT_TRUE(Commit(absl::StrCat("s", i), turn, Turn::SUCCEEDED, FenceOf(1, 1)).ok());
  }

  for (int i = 1; i <= 20; ++i) {
    const auto begun = Begin(absl::StrCat("s", i), absl::StrCat("b", i), 2, FenceOf(1, 2));
    EXPECT_THAT(Texts(begun->context()), ElementsAre(absl::StrCat("turn a", i, " says"),
                                                     absl::StrCat("turn a", i, " answers")));
  }
}

TEST_P(SessionStoreConformance, ASessionMadeAgainByATurnHasAHistoryOfItsOwn) {
  for (int i = 1; i <= 3; ++i) RunTurn("s1", absl::StrCat("t", i), i);
  ASSERT_TRUE(Await(store().DeleteSession(user_, {"s1", ""})).ok());

  RunTurn("s1", "new", 1);
  const auto begun = Begin("s1", "next", 2, FenceOf(9, 9));

  EXPECT_THAT(Texts(begun->context()), ElementsAre("turn new says", "turn new answers"));
  EXPECT_EQ(Get("s1")->turn_count(), 2);
}

TEST_P(SessionStoreConformance, ImagesThatFillAMessageLeaveOlderTurnsOut) {
  const std::string image(1 << 20, 'x');
  for (int64_t sequence = 1; sequence <= 5; ++sequence) {
    const std::string turn = absl::StrCat("t", sequence);
    BeginTurnArgs begin = BeginArgs("s1", turn, sequence, FenceOf(1, sequence));
    begin.accepted.add_input()->mutable_image()->set_data(image);
    ASSERT_TRUE(Await(store().BeginTurn(user_, begin)).ok());
    ASSERT_TRUE(Await(store().CommitTurn(
                          user_, CommitArgs("s1", turn, Turn::SUCCEEDED, FenceOf(1, sequence))))
                    .ok());
  }
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    BeginTurnArgs next = BeginArgs("s1", absl::StrCat("n", reopened), 6, FenceOf(2, 1 + reopened));
    next.max_tokens = 1'000'000;

    const auto begun = Await(store().BeginTurn(user_, next));

    ASSERT_TRUE(begun.ok()) << begun.status();
    EXPECT_TRUE(begun->context().truncated());
    EXPECT_LT(begun->ByteSizeLong(), size_t{4} << 20);
    ASSERT_EQ(begun->context().history_size(), 6);
    EXPECT_EQ(begun->context().history(4).parts(1).image().data(), image);
  }
}

TEST_P(SessionStoreConformance, LargeTurnsAreReadBackWhole) {
  const std::string large(1 << 20, 'x');
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());
  CommitTurnArgs commit = CommitArgs("s1", "t1", Turn::SUCCEEDED, FenceOf(1, 1));
  commit.turn.mutable_output(0)->mutable_parts(0)->mutable_text()->set_text(large);
  ASSERT_TRUE(Await(store().CommitTurn(user_, commit)).ok());
  Reopen();
  BeginTurnArgs next = BeginArgs("s1", "t2", 2, FenceOf(1, 2));
  next.max_tokens = 1'000'000;

  const auto begun = Await(store().BeginTurn(user_, next));

  ASSERT_EQ(begun->context().history_size(), 2);
  EXPECT_EQ(begun->context().history(1).parts(0).text().text(), large);
}

}  // namespace penstock::session_state
