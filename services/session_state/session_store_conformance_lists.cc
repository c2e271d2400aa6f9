// Pages, and users who must never see each other.
#include "libs/base/refusal.h"
#include "services/session_state/session_store_conformance.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Turn;
using identity::UserKeyForTest;

ListTurnsArgs Of(const std::string& session, int page_size = 50) {
  ListTurnsArgs args;
  args.session = session;
  args.page.page_size = page_size;
  return args;
}

PageArgs Pages(int page_size, int64_t max_bytes = 2 << 20) {
  return {.page_size = page_size, .max_bytes = max_bytes, .after = ""};
}

}  // namespace

TEST_P(SessionStoreConformance, SessionsAreListedNewestFirstInPages) {
  for (int i = 1; i <= 5; ++i) {
    now_ += absl::Microseconds(1);
    ASSERT_TRUE(Create(absl::StrCat("s", i)).ok());
  }

  EXPECT_EQ(SessionPages(Pages(50)), "s5 s4 s3 s2 s1 |");
  EXPECT_EQ(SessionPages(Pages(5)), "s5 s4 s3 s2 s1 |");
  EXPECT_EQ(SessionPages(Pages(2)), "s5 s4 |s3 s2 |s1 |");
  EXPECT_EQ(SessionPages(Pages(50, 1)), "s5 |s4 |s3 |s2 |s1 |");
}

TEST_P(SessionStoreConformance, TurnsOfASessionAreListedNewestFirstInPages) {
  for (int i = 1; i <= 12; ++i) RunTurn("s1", absl::StrCat("t", i), i);
  ASSERT_TRUE(Begin("s1", "running", 13, FenceOf(2, 1)).ok());

  EXPECT_EQ(TurnPages(Of("s1")), "t12 t11 t10 t9 t8 t7 t6 t5 t4 t3 t2 t1 |");
  EXPECT_EQ(TurnPages(Of("s1", 5)), "t12 t11 t10 t9 t8 |t7 t6 t5 t4 t3 |t2 t1 |");
  EXPECT_EQ(TurnPages(Of("s1", 12)), "t12 t11 t10 t9 t8 t7 t6 t5 t4 t3 t2 t1 |");
}

TEST_P(SessionStoreConformance, TurnsOfAllSessionsAreListedNewestFirstInPages) {
  for (int i = 1; i <= 6; ++i) RunTurn(absl::StrCat("s", i % 2), absl::StrCat("t", i), i);
  ASSERT_TRUE(Begin("s1", "running", 13, FenceOf(2, 1)).ok());
  ListTurnsArgs small;
  small.page.page_size = 4;
  ListTurnsArgs bytes;
  bytes.page.max_bytes = 1;

  EXPECT_EQ(TurnPages({}), "t6 t5 t4 t3 t2 t1 |");
  EXPECT_EQ(TurnPages(small), "t6 t5 t4 t3 |t2 t1 |");
  EXPECT_EQ(TurnPages(bytes), "t6 |t5 |t4 |t3 |t2 |t1 |");
}

TEST_P(SessionStoreConformance, TurnsAreFilteredByStateAndRequestId) {
  RunTurn("s1", "t1", 1);
  RunTurn("s1", "t2", 2, Turn::FAILED);
  RunTurn("s1", "t3", 3, Turn::CANCELLED);
  RunTurn("s1", "t4", 4);
  for (const bool all_sessions : {false, true}) {
    ListTurnsArgs args = Of("s1", 1);
    if (all_sessions) args.session.reset();

    args.states = {Turn::FAILED, Turn::CANCELLED};
    EXPECT_EQ(TurnPages(args), "t3 |t2 |");
    args.states = {Turn::RUNNING};
    EXPECT_EQ(TurnPages(args), "|");
    args.states = {};
    args.request_id = "request-t1";
    EXPECT_EQ(TurnPages(args), "t1 |");
    args.states = {Turn::FAILED};
    EXPECT_EQ(TurnPages(args), "|");
  }
}

TEST_P(SessionStoreConformance, TurnsOfAMissingSessionAreNotFound) {
  const absl::Status status = Await(store().ListTurns(user_, Of("s1"))).status();

  EXPECT_EQ(ReasonOf(status), "SESSION_NOT_FOUND");
}

TEST_P(SessionStoreConformance, PagesStayStableWhileTurnsAreAdded) {
  for (int i = 1; i <= 9; ++i) RunTurn("s1", absl::StrCat("t", i), i);
  for (const bool all_sessions : {false, true}) {
    ListTurnsArgs args = Of("s1", 3);
    if (all_sessions) args.session.reset();
    int64_t sequence = all_sessions ? 200 : 100;
    std::vector<std::string> seen;
    do {
      const auto page = Await(store().ListTurns(user_, args));
      ASSERT_TRUE(page.ok()) << page.status();
      for (const Turn& turn : page->turns) {
        if (turn.sequence() < 100) seen.push_back(turn.request_id());
      }
      args.page.after = page->next;
      RunTurn("s1", absl::StrCat("n", sequence), sequence);
      ++sequence;
    } while (!args.page.after.empty());

    std::vector<std::string> expected;
    for (int i = 9; i >= 1; --i) expected.push_back(absl::StrCat("request-t", i));
    EXPECT_EQ(seen, expected);
  }
}

Awaitable<bool> Append(SessionStore& store, UserKey user, std::vector<BeginTurnArgs> begins,
                       std::vector<CommitTurnArgs> commits) {
  for (size_t i = 0; i < begins.size(); ++i) {
    if (!(co_await store.BeginTurn(user, begins[i])).ok()) co_return false;
    if (!(co_await store.CommitTurn(user, commits[i])).ok()) co_return false;
  }
  co_return true;
}

TEST_P(SessionStoreConformance, ReadersSeeEachEndedTurnOnceWhileAWriterAppends) {
  std::vector<BeginTurnArgs> begins;
  std::vector<CommitTurnArgs> commits;
  for (int i = 1; i <= 100; ++i) {
    const std::string turn = absl::StrCat("t", i);
    begins.push_back(BeginArgs("s1", turn, i, FenceOf(1, i)));
    commits.push_back(CommitArgs("s1", turn, Turn::SUCCEEDED, FenceOf(1, i)));
  }
  RunTurn("s1", "t0", 1);
  auto writer = Start(Append(store(), user_, begins, commits));

  for (int round = 0; round < 20; ++round) {
    int64_t before = 1000;
    ListTurnsArgs args = Of("s1", 7);
    do {
      const auto page = Await(store().ListTurns(user_, args));
      ASSERT_TRUE(page.ok()) << page.status();
      for (const Turn& turn : page->turns) {
        EXPECT_LE(turn.sequence(), before);
        before = turn.sequence();
      }
      args.page.after = page->next;
    } while (!args.page.after.empty());
    EXPECT_EQ(before, 1);
  }
  EXPECT_TRUE(writer.get());
}

TEST_P(SessionStoreConformance, NearEqualUsersNeverSeeEachOther) {
  const std::vector<UserKey> users = {UserKeyForTest("acme", "u1"),  UserKeyForTest("acme", "u11"),
                                      UserKeyForTest("acmeu", "1"),  UserKeyForTest("a/b", "c"),
                                      UserKeyForTest("a", "b/c"),    UserKeyForTest("acme", "U1"),
                                      UserKeyForTest("acme ", "u1"), UserKeyForTest("", "acmeu1")};
  for (size_t i = 0; i < users.size(); ++i) {
    BeginTurnArgs begin = BeginArgs("s1", "t1", 1, FenceOf(1, 1));
    begin.accepted.mutable_input(0)->mutable_text()->set_text(absl::StrCat("canary ", i));
    ASSERT_TRUE(Await(store().BeginTurn(users[i], begin)).ok());
    const auto commit = CommitArgs("s1", "t1", Turn::SUCCEEDED, FenceOf(1, 1));
    ASSERT_TRUE(Await(store().CommitTurn(users[i], commit)).ok());
    const std::string own = absl::StrCat("own", i);
    ASSERT_TRUE(Await(store().EnsureSession(users[i], {own, "", now_})).ok());
  }

  for (size_t i = 0; i < users.size(); ++i) {
    const std::string canary = absl::StrCat("canary ", i);
    const auto turn = Await(store().GetTurn(users[i], {"s1", "t1"}));
    EXPECT_EQ(turn->input(0).text().text(), canary);
    const auto begun = Await(store().BeginTurn(users[i], BeginArgs("s1", "t2", 2, FenceOf(1, 2))));
    ASSERT_EQ(begun->context().history_size(), 2);
    EXPECT_EQ(begun->context().history(0).parts(0).text().text(), canary);
    const auto turns = Await(store().ListTurns(users[i], {}));
    ASSERT_EQ(turns->turns.size(), 1u);
    EXPECT_EQ(turns->turns[0].input(0).text().text(), canary);
    EXPECT_EQ(Await(store().ListSessions(users[i], {}))->sessions.size(), 2u);
    for (size_t other = 0; other < users.size(); ++other) {
      const std::string own = absl::StrCat("own", other);
      const bool exists = Await(store().ResolveSession(users[i], own))->exists;
      EXPECT_EQ(exists, other == i);
    }
  }
}

TEST_P(SessionStoreConformance, AForeignNameAnswersExactlyLikeAnAbsentOne) {
  const UserKey other = UserKeyForTest("acme", "u2");
  RunTurn("s1", "t1", 1);

  const absl::Status foreign_session = Await(store().GetSession(other, "s1")).status();
  const absl::Status foreign_turn = Await(store().GetTurn(other, {"s1", "t1"})).status();
  ASSERT_TRUE(Await(store().DeleteSession(user_, {"s1", ""})).ok());

  EXPECT_EQ(Await(store().GetSession(other, "s1")).status(), foreign_session);
  EXPECT_EQ(Await(store().GetTurn(other, {"s1", "t1"})).status(), foreign_turn);
}

}  // namespace penstock::session_state
