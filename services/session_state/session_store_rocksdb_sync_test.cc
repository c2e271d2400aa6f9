// What is on disk when session-state answers: every end, step, create, update and delete.

#include <gtest/gtest.h>
#include <prometheus/counter.h>

#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "services/session_state/session_store_rocksdb.h"

namespace penstock::session_state {
namespace {

using chat::v1::Turn;

class RocksSessionStoreSyncTest : public testing::Test {
 protected:
  RocksSessionStoreSyncTest() {
    auto opened = RocksSessionStore::Open({.path = folder_.path()}, reads_, metrics_);
    if (!opened.ok()) std::abort();
    store_ = *std::move(opened);
    fence_.set_epoch(1);
    fence_.set_start(1);
  }

  // How often the disk was waited for while `operation` ran.
  template <class T>
  double SyncsOf(Awaitable<T> operation) {
    const double before = syncs_.Value();
    const T result = threads_.Await(std::move(operation));
    EXPECT_TRUE(result.ok()) << result.status();
    return syncs_.Value() - before;
  }

  double Begin(const std::string& turn) {
    BeginTurnArgs args;
    args.ids = {"s", turn};
    args.fence = fence_;
    args.accepted.set_name(TurnName("s", turn));
    args.accepted.set_sequence(++sequence_);
    args.max_turns = 1;
    args.now = now_;
    return SyncsOf(store_->BeginTurn(user_, args));
  }

  double Commit(const std::string& turn, Turn::State state) {
    CommitTurnArgs args;
    args.ids = {"s", turn};
    args.fence = fence_;
    args.turn.set_name(TurnName("s", turn));
    args.turn.set_sequence(sequence_);
    args.turn.set_state(state);
    args.now = now_;
    return SyncsOf(store_->CommitTurn(user_, args));
  }

  const UserKey user_ = identity::UserKeyForTest("acme", "u1");
  const absl::Time now_ = absl::FromUnixSeconds(1'790'000'000);
  session::v1::Fence fence_;
  int64_t sequence_ = 0;
  rocks::TemporaryFolder folder_;
  BoundedExecutor reads_{2, 64};
  obs::Metrics metrics_;
  rocks::CoroutineThreads threads_{1};
  std::unique_ptr<RocksSessionStore> store_;
  prometheus::Counter& syncs_ =
      metrics_.AddCounter("penstock_store_commit_syncs_total", "", {{"store", "session_state"}});
};

TEST_F(RocksSessionStoreSyncTest, ABeginIsNotSyncedAndAnEndOfAnyKindIs) {
  EXPECT_EQ(SyncsOf(store_->EnsureSession(user_, {"s", "agents/default", now_})), 0);
  for (const Turn::State state : {Turn::SUCCEEDED, Turn::FAILED, Turn::CANCELLED, Turn::EXPIRED}) {
    const std::string turn = Turn::State_Name(state);
    EXPECT_EQ(Begin(turn), 0) << turn;
    EXPECT_EQ(Commit(turn, state), 1) << turn;
  }
}

TEST_F(RocksSessionStoreSyncTest, ATurnThatANewOwnerTakesUpIsFencedOnDisk) {
  EXPECT_EQ(Begin("t"), 0);
  fence_.set_start(2);
  EXPECT_EQ(Begin("t"), 0);
  fence_.set_epoch(2);
  fence_.set_start(1);
  EXPECT_EQ(Begin("t"), 1);
  EXPECT_EQ(Commit("t", Turn::SUCCEEDED), 1);

  fence_.set_epoch(3);
  EXPECT_EQ(Begin("new"), 0);
}

TEST_F(RocksSessionStoreSyncTest, EveryStepWithToolCallsIsSynced) {
  Begin("t");
  AppendStepArgs args{.ids = {"s", "t"}, .fence = fence_, .step = {}, .now = now_};
  args.step.mutable_message()->add_parts()->mutable_tool_call()->set_id("c");

  EXPECT_EQ(SyncsOf(store_->AppendStep(user_, args)), 1);
}

TEST_F(RocksSessionStoreSyncTest, EveryCreateUpdateAndDeleteIsSynced) {
  CreateSessionArgs create;
  create.session = "s";
  create.now = now_;

  EXPECT_EQ(SyncsOf(store_->CreateSession(user_, create)), 1);
  EXPECT_EQ(SyncsOf(store_->UpdateSession(
                user_, {.session = "s", .etag = "", .changes = {}, .now = now_})),
            1);
  EXPECT_EQ(SyncsOf(store_->DeleteSession(user_, {"s", ""})), 1);
}

}  // namespace
}  // namespace penstock::session_state
