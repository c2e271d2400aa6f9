#include "services/session_state/session_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/fake_clock.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "services/session_state/faulty_session_store.h"
#include "services/session_state/session_records.h"
#include "services/session_state/session_store_rocksdb.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Session;
using chat::v1::Turn;
using namespace session::v1;  // NOLINT: the requests
using identity::UserKeyForTest;

class SessionStateTest : public testing::Test {
 protected:
  template <class T>
  T Await(Awaitable<T> operation) {
    return threads_.Await(std::move(operation));
  }

  // Refused for `field`, with FIELD_INVALID.
  template <class T>
  void ExpectInvalid(Awaitable<absl::StatusOr<T>> operation, absl::string_view field) {
    const absl::Status status = Await(std::move(operation)).status();
    EXPECT_EQ(ReasonOf(status), "FIELD_INVALID") << status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), testing::StartsWith(std::string(field)));
  }

  static BeginTurnRequest Begin(const std::string& turn, int64_t sequence) {
    BeginTurnRequest request;
    request.set_turn(turn);
    request.mutable_fence()->set_epoch(1);
    request.mutable_fence()->set_start(sequence);
    request.mutable_accepted()->set_sequence(sequence);
    request.mutable_accepted()->add_input()->mutable_text()->set_text("hello");
    request.mutable_context()->set_max_tokens(1000);
    return request;
  }
  static CommitTurnRequest Commit(const std::string& turn, int64_t start) {
    CommitTurnRequest request;
    request.mutable_fence()->set_epoch(1);
    request.mutable_fence()->set_start(start);
    request.mutable_turn()->set_name(turn);
    request.mutable_turn()->set_state(Turn::SUCCEEDED);
    return request;
  }
  void RunTurns(int count) {
    for (int i = 1; i <= count; ++i) {
      const std::string name = absl::StrCat("sessions/s1/turns/t", i);
      ASSERT_TRUE(Await(core_.BeginTurn(user_, Begin(name, i))).ok());
      ASSERT_TRUE(Await(core_.CommitTurn(user_, Commit(name, i))).ok());
    }
  }

  const UserKey user_ = UserKeyForTest("acme", "u1");
  rocks::CoroutineThreads threads_;
  rocks::TemporaryFolder folder_;
  BoundedExecutor reads_{2, 1024};
  obs::Metrics metrics_;
  FakeClock clock_;
  std::unique_ptr<RocksSessionStore> store_ =
      RocksSessionStore::Open({.path = folder_.path()}, reads_, metrics_).value();
  SessionState core_{*store_, clock_, {}};
};

TEST_F(SessionStateTest, ACommitWhoseAnswerWasLostIsAnsweredAgain) {
  FaultPlan faults;
  FaultySessionStore faulty(*store_, faults);
  SessionState core(faulty, clock_, {});
  const std::string name = "sessions/s1/turns/t1";
  ASSERT_TRUE(Await(core.BeginTurn(user_, Begin(name, 1))).ok());
  faults.Add("CommitTurn", Fault::kAfter, absl::UnavailableError("the answer is lost"));
  ASSERT_FALSE(Await(core.CommitTurn(user_, Commit(name, 1))).ok());

  const auto again = Await(core.CommitTurn(user_, Commit(name, 1)));

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->already_committed());
  EXPECT_EQ(again->turn().state(), Turn::SUCCEEDED);
}

TEST_F(SessionStateTest, AnErrorOfTheStoreReachesTheCallerWithItsReason) {
  FaultPlan faults;
  FaultySessionStore faulty(*store_, faults);
  SessionState core(faulty, clock_, {});
  faults.Add("BeginTurn", Fault::kBefore,
             Refusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE", "disk full"));

  const auto begun = Await(core.BeginTurn(user_, Begin("sessions/s1/turns/t1", 1)));

  EXPECT_EQ(ReasonOf(begun.status()), "STORE_UNAVAILABLE");
  EXPECT_TRUE(Await(core.BeginTurn(user_, Begin("sessions/s1/turns/t1", 1))).ok());
}

TEST_F(SessionStateTest, ATurnGoesFromBeginToEnd) {
  RunTurns(1);
  GetTurnRequest get;
  get.set_name("sessions/s1/turns/t1");
  ResolveSessionRequest resolve;
  resolve.set_session("sessions/s1");

  const auto turn = Await(core_.GetTurn(user_, get));
  const auto resolved = Await(core_.ResolveSession(user_, resolve));

  ASSERT_TRUE(turn.ok()) << turn.status();
  EXPECT_EQ(turn->state(), Turn::SUCCEEDED);
  EXPECT_EQ(FromProto(turn->create_time()), clock_.Now());
  EXPECT_EQ(FromProto(turn->end_time()), clock_.Now());
  EXPECT_TRUE(resolved->exists());
  EXPECT_EQ(resolved->last_sequence(), 1);
}

TEST_F(SessionStateTest, TurnsThatCannotBeStoredAreRefused) {
  const std::string name = "sessions/s1/turns/t1";
  BeginTurnRequest no_input = Begin(name, 1);
  no_input.mutable_accepted()->clear_input();
  BeginTurnRequest negative = Begin(name, 1);
  negative.mutable_context()->set_max_turns(-1);
  BeginTurnRequest fence = Begin(name, 1);
  fence.mutable_fence()->set_epoch(-1);
  CommitTurnRequest running = Commit(name, 1);
  running.mutable_turn()->set_state(Turn::RUNNING);
  CommitTurnRequest unbegun = Commit(name, 1);
  unbegun.set_with_input(true);

  ExpectInvalid(core_.BeginTurn(user_, Begin("sessions/s1", 1)), "turn");
  ExpectInvalid(core_.BeginTurn(user_, Begin("sessions/../turns/t1", 1)), "turn");
  ExpectInvalid(core_.BeginTurn(user_, Begin(name, 0)), "accepted.sequence");
  ExpectInvalid(core_.BeginTurn(user_, no_input), "accepted.input");
  ExpectInvalid(core_.BeginTurn(user_, negative), "context.max_turns");
  ExpectInvalid(core_.BeginTurn(user_, fence), "fence");
  ExpectInvalid(core_.CommitTurn(user_, Commit("turns/t1", 1)), "turn.name");
  ExpectInvalid(core_.CommitTurn(user_, running), "turn.state");
  ExpectInvalid(core_.CommitTurn(user_, unbegun), "turn.sequence");
}

TEST_F(SessionStateTest, SessionsThatCannotBeStoredAreRefused) {
  CreateSessionRequest id;
  id.set_session_id("a/b");
  CreateSessionRequest request_id;
  request_id.set_request_id("line\nbreak");
  CreateSessionRequest agent;
  agent.mutable_session()->set_agent("default");
  CreateSessionRequest labels;
  for (int i = 0; i < 17; ++i) {
    (*labels.mutable_session()->mutable_labels())[absl::StrCat("k", i)] = "v";
  }
  CreateSessionRequest ttl;
  ttl.mutable_session()->mutable_idle_ttl()->set_nanos(1);

  ExpectInvalid(core_.CreateSession(user_, id), "session_id");
  ExpectInvalid(core_.CreateSession(user_, request_id), "request_id");
  ExpectInvalid(core_.CreateSession(user_, agent), "session.agent");
  ExpectInvalid(core_.CreateSession(user_, labels), "session.labels");
  ExpectInvalid(core_.CreateSession(user_, ttl), "session.idle_ttl");
}

TEST_F(SessionStateTest, ACreateWithoutAnIdIsRepeatedByItsRequestId) {
  CreateSessionRequest create;
  create.set_request_id("request-1");
  (*create.mutable_session()->mutable_labels())["b"] = "2";
  (*create.mutable_session()->mutable_labels())["a"] = "1";
  CreateSessionRequest other = create;
  other.mutable_session()->set_display_name("other");

  const auto first = Await(core_.CreateSession(user_, create));
  create.mutable_session()->set_etag("set by the server, so no part of the request");
  const auto second = Await(core_.CreateSession(user_, create));
  const absl::Status reused = Await(core_.CreateSession(user_, other)).status();

  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  EXPECT_EQ(first->DebugString(), second->DebugString());
  EXPECT_EQ(ReasonOf(reused), "REQUEST_ID_REUSED");
}

TEST_F(SessionStateTest, AnUpdateFollowsItsMask) {
  CreateSessionRequest create;
  create.set_session_id("s1");
  create.mutable_session()->set_display_name("name");
  create.mutable_session()->set_agent("agents/a");
  create.mutable_session()->mutable_idle_ttl()->set_seconds(60);
  ASSERT_TRUE(Await(core_.CreateSession(user_, create)).ok());
  UpdateSessionRequest by_mask;
  by_mask.mutable_session()->set_name("sessions/s1");
  by_mask.mutable_session()->set_display_name("ignored");
  by_mask.mutable_update_mask()->add_paths("agent");
  by_mask.mutable_update_mask()->add_paths("idle_ttl");
  UpdateSessionRequest by_fields;
  by_fields.mutable_session()->set_name("sessions/s1");
  by_fields.mutable_session()->set_display_name("new name");
  UpdateSessionRequest unknown = by_mask;
  unknown.mutable_update_mask()->add_paths("turn_count");

  const auto masked = Await(core_.UpdateSession(user_, by_mask));
  const auto set = Await(core_.UpdateSession(user_, by_fields));

  EXPECT_EQ(masked->agent(), "");
  EXPECT_EQ(masked->display_name(), "name");
  EXPECT_EQ(masked->idle_ttl().seconds(), 720 * 3600);
  EXPECT_EQ(set->display_name(), "new name");
  EXPECT_EQ(set->etag(), "3");
  ExpectInvalid(core_.UpdateSession(user_, unknown), "update_mask.paths");
}

TEST_F(SessionStateTest, APageTokenServesOnlyItsListAndItsUser) {
  RunTurns(3);
  ListTurnsRequest list;
  list.set_parent("sessions/s1");
  list.set_page_size(2);
  const auto first = Await(core_.ListTurns(user_, list));
  ASSERT_TRUE(first.ok()) << first.status();
  list.set_page_token(first->next_page_token());
  ListTurnsRequest other_parent = list;
  other_parent.set_parent("sessions/-");
  ListTurnsRequest other_filter = list;
  other_filter.add_states(Turn::FAILED);
  ListSessionsRequest sessions;
  sessions.set_page_token(first->next_page_token());

  const auto second = Await(core_.ListTurns(user_, list));

  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->turns_size(), 1);
  EXPECT_EQ(second->next_page_token(), "");
  ExpectInvalid(core_.ListTurns(user_, other_parent), "page_token");
  ExpectInvalid(core_.ListTurns(user_, other_filter), "page_token");
  ExpectInvalid(core_.ListTurns(UserKeyForTest("acme", "u2"), list), "page_token");
  ExpectInvalid(core_.ListSessions(user_, sessions), "page_token");
}

TEST_F(SessionStateTest, ListsRefuseWhatTheyCannotFilterBy) {
  ListTurnsRequest page_size;
  page_size.set_parent("sessions/-");
  page_size.set_page_size(-1);
  ListTurnsRequest state;
  state.set_parent("sessions/-");
  state.add_states(static_cast<Turn::State>(99));

  ExpectInvalid(core_.ListTurns(user_, page_size), "page_size");
  ExpectInvalid(core_.ListTurns(user_, state), "states");
  ExpectInvalid(core_.ListTurns(user_, {}), "parent");
}

TEST_F(SessionStateTest, AStepIsTheAssistantsAndHasNoResultsYet) {
  session::v1::AppendStepRequest good;
  good.set_turn("sessions/s1/turns/t1");
  good.mutable_step()->mutable_message()->add_parts()->mutable_tool_call()->set_id("c1");
  auto name = good;
  name.set_turn("sessions/s1");
  auto number = good;
  number.mutable_step()->set_step(-1);
  auto empty = good;
  empty.mutable_step()->clear_message();
  auto results = good;
  results.mutable_step()->add_results();

  EXPECT_EQ(ReasonOf(Await(core_.AppendStep(user_, good)).status()), "NOT_BEGUN");
  ExpectInvalid(core_.AppendStep(user_, name), "turn");
  ExpectInvalid(core_.AppendStep(user_, number), "step.step");
  ExpectInvalid(core_.AppendStep(user_, empty), "step.message");
  ExpectInvalid(core_.AppendStep(user_, results), "step.results");
}

TEST_F(SessionStateTest, AnEtagThatIsNotCurrentIsAborted) {
  EnsureSessionRequest ensure;
  ensure.set_session("sessions/s1");
  ASSERT_TRUE(Await(core_.EnsureSession(user_, ensure))->created());
  DeleteSessionRequest stale;
  stale.set_name("sessions/s1");
  stale.set_etag("7");
  DeleteSessionRequest current = stale;
  current.set_etag("1");

  EXPECT_EQ(ReasonOf(Await(core_.DeleteSession(user_, stale)).status()), "VERSION_MISMATCH");
  EXPECT_TRUE(Await(core_.DeleteSession(user_, current)).ok());
}

}  // namespace
}  // namespace penstock::session_state
