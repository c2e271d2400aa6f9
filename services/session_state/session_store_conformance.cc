// Sessions: create, read, change, delete, expire.
#include "services/session_state/session_store_conformance.h"

#include <ostream>

#include "libs/base/refusal.h"
#include "services/session_state/session_records.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::string Id(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }

SessionStoreConformance::Fence SessionStoreConformance::FenceOf(int64_t epoch, int64_t start) {
  Fence fence;
  fence.set_epoch(epoch);
  fence.set_start(start);
  return fence;
}

SessionStoreConformance::Turn SessionStoreConformance::Accepted(const std::string& turn,
                                                                int64_t sequence) {
  Turn accepted;
  accepted.add_input()->mutable_text()->set_text("turn " + turn + " says");
  accepted.set_sequence(sequence);
  accepted.set_agent("agents/default");
  accepted.set_request_id("request-" + turn);
  (*accepted.mutable_labels())["from"] = "test";
  accepted.mutable_create_time()->set_seconds(1'790'000'000 + sequence);
  return accepted;
}

SessionStoreConformance::Turn SessionStoreConformance::Ended(const std::string& turn, State state,
                                                             int64_t sequence) {
  Turn ended = sequence > 0 ? Accepted(turn, sequence) : Turn();
  ended.set_state(state);
  auto* message = ended.add_output();
  message->set_role(chat::v1::ASSISTANT);
  message->add_parts()->mutable_text()->set_text("turn " + turn + " answers");
  ended.set_output_partial(state != Turn::SUCCEEDED);
  ended.mutable_usage()->set_input_tokens(7);
  return ended;
}

BeginTurnArgs SessionStoreConformance::BeginArgs(const std::string& session,
                                                 const std::string& turn, int64_t sequence,
                                                 Fence fence) {
  return {.ids = {session, turn},
          .fence = fence,
          .accepted = Accepted(turn, sequence),
          .max_tokens = 1000,
          .max_turns = 10,
          .now = now_};
}

CommitTurnArgs SessionStoreConformance::CommitArgs(const std::string& session,
                                                   const std::string& turn, State state,
                                                   Fence fence) {
  return {.ids = {session, turn}, .fence = fence, .turn = Ended(turn, state), .now = now_};
}

SessionStoreConformance::BeginResult SessionStoreConformance::Begin(const std::string& session,
                                                                    const std::string& turn,
                                                                    int64_t sequence, Fence fence) {
  return Await(store().BeginTurn(user_, BeginArgs(session, turn, sequence, fence)));
}

SessionStoreConformance::CommitResult SessionStoreConformance::Commit(const std::string& session,
                                                                      const std::string& turn,
                                                                      State state, Fence fence) {
  return Await(store().CommitTurn(user_, CommitArgs(session, turn, state, fence)));
}

void SessionStoreConformance::RunTurn(const std::string& session, const std::string& turn,
                                      int64_t sequence, State state) {
  const Fence fence = FenceOf(1, ++starts_);
  const auto begun = Begin(session, turn, sequence, fence);
  ASSERT_TRUE(begun.ok()) << begun.status();
  const auto ended = Commit(session, turn, state, fence);
  ASSERT_TRUE(ended.ok()) << ended.status();
}

absl::StatusOr<SessionStoreConformance::Session> SessionStoreConformance::Create(
    const std::string& session, const std::string& request_id, const std::string& digest) {
  CreateSessionArgs args{.session = session,
                         .request_id = request_id,
                         .body_digest = digest,
                         .fields = {},
                         .now = now_};
  args.fields.set_display_name("Session " + session);
  return Await(store().CreateSession(user_, args));
}

absl::StatusOr<SessionStoreConformance::Session> SessionStoreConformance::Get(
    const std::string& session) {
  return Await(store().GetSession(user_, session));
}

std::string SessionStoreConformance::TurnPages(ListTurnsArgs args) {
  std::string pages;
  do {
    const auto page = Await(store().ListTurns(user_, args));
    if (!page.ok()) return page.status().ToString();
    for (const Turn& turn : page->turns) absl::StrAppend(&pages, Id(turn.name()), " ");
    pages += "|";
    args.page.after = page->next;
  } while (!args.page.after.empty());
  return pages;
}

std::string SessionStoreConformance::SessionPages(PageArgs args) {
  std::string pages;
  do {
    const auto page = Await(store().ListSessions(user_, args));
    if (!page.ok()) return page.status().ToString();
    for (const Session& session : page->sessions) absl::StrAppend(&pages, Id(session.name()), " ");
    pages += "|";
    args.after = page->next;
  } while (!args.after.empty());
  return pages;
}

TEST_P(SessionStoreConformance, ACreatedSessionIsReadBackAlsoAfterARestart) {
  const auto created = Create("s1");
  ASSERT_TRUE(created.ok()) << created.status();
  Reopen();

  const auto read = Get("s1");

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->DebugString(), created->DebugString());
  EXPECT_EQ(read->name(), "sessions/s1");
  EXPECT_EQ(read->etag(), "1");
  EXPECT_EQ(read->display_name(), "Session s1");
  EXPECT_EQ(FromProto(read->create_time()), now_);
  EXPECT_EQ(FromProto(read->expire_time()), now_ + absl::Hours(720));
}

TEST_P(SessionStoreConformance, ASessionIsCreatedOnce) {
  ASSERT_TRUE(Create("s1").ok());

  const absl::Status again = Create("s1").status();

  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(again), "SESSION_EXISTS");
  EXPECT_EQ(MetadataOf(again, "name"), "sessions/s1");
}

TEST_P(SessionStoreConformance, ARepeatedCreateAnswersTheFirstSession) {
  ASSERT_TRUE(Create("s1", "request-1", "body").ok());
  Reopen();

  const auto same = Create("server-chose-another-id", "request-1", "body");
  const absl::Status reused = Create("s2", "request-1", "other body").status();

  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(same->name(), "sessions/s1");
  EXPECT_EQ(ReasonOf(reused), "REQUEST_ID_REUSED");
  EXPECT_EQ(reused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(Get("server-chose-another-id").status()), "SESSION_NOT_FOUND");
}

TEST_P(SessionStoreConformance, ARequestIdIsForgottenAfterItsTime) {
  ASSERT_TRUE(Create("s1", "request-1", "body").ok());
  const absl::Time created = now_;

  EXPECT_EQ(Await(store().Sweep(created + absl::Hours(23), 100)).value(), 0);
  EXPECT_EQ(Create("s2", "request-1", "body")->name(), "sessions/s1");
  EXPECT_EQ(Await(store().Sweep(created + absl::Hours(24), 100)).value(), 1);
  EXPECT_EQ(Create("s2", "request-1", "body")->name(), "sessions/s2");
}

TEST_P(SessionStoreConformance, ARefusedCreateIsNotRemembered) {
  ASSERT_TRUE(Create("s1").ok());
  ASSERT_EQ(ReasonOf(Create("s1", "request-1", "body").status()), "SESSION_EXISTS");

  EXPECT_TRUE(Create("s2", "request-1", "another body").ok());
}

TEST_P(SessionStoreConformance, EnsureSessionMakesItOnce) {
  EXPECT_FALSE(Await(store().ResolveSession(user_, "s1"))->exists);

  EXPECT_TRUE(Await(store().EnsureSession(user_, {"s1", "agents/a", now_})).value());
  EXPECT_FALSE(Await(store().EnsureSession(user_, {"s1", "agents/b", now_})).value());

  const auto resolved = Await(store().ResolveSession(user_, "s1"));
  EXPECT_TRUE(resolved->exists);
  EXPECT_EQ(resolved->agent, "agents/a");
  EXPECT_EQ(resolved->last_sequence, 0);
}

TEST_P(SessionStoreConformance, AnUpdateChangesWhatItNamesAndRaisesTheVersion) {
  ASSERT_TRUE(Create("s1").ok());
  now_ += absl::Hours(1);
  SessionChanges changes;
  changes.labels = std::map<std::string, std::string>{{"k", "v"}};
  changes.idle_ttl = absl::Hours(2);

  const auto updated = Await(store().UpdateSession(user_, {"s1", "1", changes, now_}));
  Reopen();

  ASSERT_TRUE(updated.ok()) << updated.status();
  const auto read = Get("s1");
  EXPECT_EQ(read->DebugString(), updated->DebugString());
  EXPECT_EQ(read->etag(), "2");
  EXPECT_EQ(read->display_name(), "Session s1");
  EXPECT_THAT(read->labels(), ElementsAre(Pair("k", "v")));
  EXPECT_EQ(FromProto(read->update_time()), now_);
  EXPECT_EQ(FromProto(read->expire_time()), now_ + absl::Hours(2));
}

TEST_P(SessionStoreConformance, AnOldVersionChangesNothing) {
  ASSERT_TRUE(Create("s1").ok());
  ASSERT_TRUE(Await(store().UpdateSession(user_, {"s1", "", {}, now_})).ok());

  const absl::Status update = Await(store().UpdateSession(user_, {"s1", "1", {}, now_})).status();
  const absl::Status deletion = Await(store().DeleteSession(user_, {"s1", "1"})).status();

  for (const absl::Status& status : {update, deletion}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
    EXPECT_EQ(ReasonOf(status), "VERSION_MISMATCH");
    EXPECT_EQ(MetadataOf(status, "version"), "2");
  }
  EXPECT_EQ(Get("s1")->etag(), "2");
}

TEST_P(SessionStoreConformance, ATurnDoesNotChangeTheVersion) {
  ASSERT_TRUE(Create("s1").ok());

  RunTurn("s1", "t1", 1);

  EXPECT_EQ(Get("s1")->etag(), "1");
}

Awaitable<bool> UpdateUntilItCounts(SessionStore& store, UserKey user, int times) {
  for (int done = 0; done < times;) {
    const auto read = co_await store.GetSession(user, "s1");
    SessionChanges changes;
    changes.display_name = absl::StrCat(std::stoi(read->display_name()) + 1);
    const auto updated =
        co_await store.UpdateSession(user, {"s1", read->etag(), changes, absl::FromUnixSeconds(1)});
    if (updated.ok()) {
      ++done;
    } else if (ReasonOf(updated.status()) != "VERSION_MISMATCH") {
      co_return false;
    }
  }
  co_return true;
}

TEST_P(SessionStoreConformance, CompareAndSetLosesNoUpdateOfMany) {
  ASSERT_TRUE(Create("s1").ok());
  SessionChanges zero;
  zero.display_name = "0";
  ASSERT_TRUE(Await(store().UpdateSession(user_, {"s1", "", zero, now_})).ok());

  std::vector<std::future<bool>> writers;
  for (int i = 0; i < 8; ++i) {
    writers.push_back(Start(UpdateUntilItCounts(store(), user_, 20)));
  }
  for (auto& writer : writers) EXPECT_TRUE(writer.get());

  EXPECT_EQ(Get("s1")->display_name(), "160");
  EXPECT_EQ(Get("s1")->etag(), "162");
}

TEST_P(SessionStoreConformance, ADeletedSessionIsGoneWithItsTurns) {
  ASSERT_TRUE(Create("s1").ok());
  RunTurn("s1", "t1", 1);
  RunTurn("s2", "other", 1);

  const auto deleted = Await(store().DeleteSession(user_, {"s1", ""}));
  Reopen();

  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->display_name(), "Session s1");
  EXPECT_EQ(ReasonOf(Get("s1").status()), "SESSION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Await(store().GetTurn(user_, {"s1", "t1"})).status()), "TURN_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Await(store().DeleteSession(user_, {"s1", ""})).status()),
            "SESSION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Await(store().UpdateSession(user_, {"s1", "", {}, now_})).status()),
            "SESSION_NOT_FOUND");
  EXPECT_FALSE(Await(store().ResolveSession(user_, "s1"))->exists);
  EXPECT_EQ(TurnPages({}), "other |");
  EXPECT_EQ(SessionPages({}), "s2 |");
}

TEST_P(SessionStoreConformance, ARepeatedCreateOfADeletedSessionDoesNotMakeItAgain) {
  ASSERT_TRUE(Create("s1", "request-1", "body").ok());
  ASSERT_TRUE(Await(store().DeleteSession(user_, {"s1", ""})).ok());

  EXPECT_EQ(ReasonOf(Create("s1", "request-1", "body").status()), "SESSION_NOT_FOUND");
}

TEST_P(SessionStoreConformance, ASessionMadeAgainHasNothingOfTheOldOne) {
  for (int i = 1; i <= 80; ++i) RunTurn("s1", absl::StrCat("t", i), i);
  ASSERT_TRUE(Await(store().DeleteSession(user_, {"s1", ""})).ok());

  ASSERT_TRUE(Create("s1").ok());

  EXPECT_EQ(Get("s1")->turn_count(), 0);
  EXPECT_THAT(Begin("s1", "new", 1, FenceOf(1, 1))->context().history(), IsEmpty());
  EXPECT_EQ(TurnPages({.session = "s1", .states = {}, .request_id = "", .page = {}}), "|");
  EXPECT_EQ(TurnPages({}), "|");
}

TEST_P(SessionStoreConformance, AnIdleSessionExpiresAndAUsedOneDoesNot) {
  ASSERT_TRUE(Create("idle").ok());
  ASSERT_TRUE(Create("used").ok());
  RunTurn("idle", "t1", 1);
  now_ += absl::Hours(700);
  RunTurn("used", "t2", 1);
  now_ += absl::Hours(20);

  EXPECT_EQ(Await(store().Sweep(now_, 1)).value(), 1);
  EXPECT_EQ(Await(store().Sweep(now_, 100)).value(), 1);
  EXPECT_EQ(Await(store().Sweep(now_, 100)).value(), 0);

  EXPECT_EQ(SessionPages({}), "used |");
  EXPECT_EQ(TurnPages({}), "t2 |");
  EXPECT_EQ(ReasonOf(Get("idle").status()), "SESSION_NOT_FOUND");
  EXPECT_EQ(Await(store().Sweep(now_ + absl::Hours(700), 100)).value(), 1);
  EXPECT_EQ(SessionPages({}), "|");
}

TEST_P(SessionStoreConformance, AShorterLifeTakesEffect) {
  ASSERT_TRUE(Create("s1").ok());
  SessionChanges changes;
  changes.idle_ttl = absl::Seconds(10);
  ASSERT_TRUE(Await(store().UpdateSession(user_, {"s1", "", changes, now_})).ok());

  EXPECT_EQ(Await(store().Sweep(now_ + absl::Seconds(9), 100)).value(), 0);
  EXPECT_EQ(Await(store().Sweep(now_ + absl::Seconds(10), 100)).value(), 1);

  EXPECT_EQ(ReasonOf(Get("s1").status()), "SESSION_NOT_FOUND");
}

}  // namespace penstock::session_state
