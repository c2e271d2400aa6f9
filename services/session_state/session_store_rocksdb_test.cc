#include "services/session_state/session_store_rocksdb.h"

#include <random>

#include <gtest/gtest.h>

#include "libs/rocksdb/testing.h"
#include "services/session_state/session_store_conformance.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Turn;

class RocksStoreUnderTest final : public StoreUnderTest {
 public:
  explicit RocksStoreUnderTest(int64_t session_cache_bytes)
      : session_cache_bytes_(session_cache_bytes) {
    Reopen();
  }
  SessionStore& store() override { return *store_; }
  void Reopen() override {
    store_.reset();
    auto opened = RocksSessionStore::Open(
        {.path = folder_.path(), .session_cache_bytes = session_cache_bytes_}, reads_, metrics_);
    if (!opened.ok()) std::abort();
    store_ = *std::move(opened);
  }

 private:
  const int64_t session_cache_bytes_;
  rocks::TemporaryFolder folder_;
  BoundedExecutor reads_{2, 1024};
  obs::Metrics metrics_;
  std::unique_ptr<RocksSessionStore> store_;
};

constexpr int64_t kNoCache = 0;
// Of one small session: with two, a turn ends after its session was evicted.
constexpr int64_t kTinyCache = 2 << 10;
constexpr int64_t kCache = 1 << 20;

Backend RocksDb(const std::string& name, int64_t session_cache_bytes) {
  return {name, [session_cache_bytes] {
            return std::make_unique<RocksStoreUnderTest>(session_cache_bytes);
          }};
}

INSTANTIATE_TEST_SUITE_P(RocksDb, SessionStoreConformance,
                         testing::Values(RocksDb("NoCache", kNoCache),
                                         RocksDb("TinyCache", kTinyCache),
                                         RocksDb("Cache", kCache)));

// Makes one random change after the other, by the numbers of a seed, and tells what was answered.
class RandomWalk {
 public:
  RandomWalk(uint32_t seed, int64_t session_cache_bytes)
      : random_(seed), under_test_(session_cache_bytes) {}

  std::string Step() {
    switch (Below(12)) {
      case 0:
        return Told(Await(store().UpdateSession(
            user_, {.session = Session(), .etag = "", .changes = {}, .now = now_})));
      case 1:
        return Below(4) > 0 ? "" : Told(Await(store().DeleteSession(user_, {Session(), ""})));
      case 2:
        now_ += absl::Hours(Below(500));
        return absl::StrCat(Await(store().Sweep(now_, 10)).value());
      case 3:
        if (Below(4) == 0) under_test_.Reopen();
        return "";
      case 4:
      case 5:
      case 6:
        return Told(Await(store().CommitTurn(user_, CommitArgs())));
      default:
        return Told(Await(store().BeginTurn(user_, BeginArgs())));
    }
  }

 private:
  SessionStore& store() { return under_test_.store(); }
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  std::string Session() { return absl::StrCat("s", Below(2)); }

  // Mostly of the turns that are due, sometimes of one long before or after.
  int64_t Sequence() {
    next_ += Below(3) == 0;
    return Below(8) == 0 ? 1 + Below(static_cast<int>(next_) + 3) : next_;
  }

  session::v1::Fence Fence() {
    session::v1::Fence fence;
    fence.set_epoch(1);
    fence.set_start(Below(8) == 0 ? 1 : next_);
    return fence;
  }

  Turn TurnOf(const TurnIds& ids, int64_t sequence) {
    Turn turn;
    turn.set_name(TurnName(ids.session, ids.turn));
    turn.set_sequence(sequence);
    turn.add_input()->mutable_text()->set_text(absl::StrCat("input ", Below(1000)));
    return turn;
  }

  BeginTurnArgs BeginArgs() {
    const int64_t sequence = Sequence();
    BeginTurnArgs args;
    args.ids = {Session(), absl::StrCat("t", sequence)};
    args.fence = Fence();
    args.accepted = TurnOf(args.ids, sequence);
    args.max_tokens = Below(3) == 0 ? 20 : 1000;
    args.max_turns = Below(3) == 0 ? 2 : 6;
    args.now = now_;
    return args;
  }

  CommitTurnArgs CommitArgs() {
    const int64_t sequence = Sequence();
    CommitTurnArgs args;
    args.ids = {Session(), absl::StrCat("t", sequence)};
    args.fence = Fence();
    args.turn = TurnOf(args.ids, sequence);
    args.turn.set_state(Below(4) == 0 ? Turn::CANCELLED : Turn::SUCCEEDED);
    args.turn.add_output()->add_parts()->mutable_text()->set_text(absl::StrCat(Below(1000)));
    args.with_input = Below(2) == 0;
    args.now = now_;
    return args;
  }

  template <class T>
  T Await(Awaitable<T> operation) {
    return threads_.Await(std::move(operation));
  }

  template <class Message>
  static std::string Told(const absl::StatusOr<Message>& answer) {
    return answer.ok() ? answer->DebugString() : std::string(answer.status().message());
  }

  std::mt19937 random_;
  const UserKey user_ = identity::UserKeyForTest("acme", "u1");
  absl::Time now_ = absl::FromUnixSeconds(1'790'000'000);
  int64_t next_ = 1;
  rocks::CoroutineThreads threads_{1};
  RocksStoreUnderTest under_test_;
};

class SessionCacheWalk : public testing::TestWithParam<uint32_t> {};

TEST_P(SessionCacheWalk, ACacheOfAnySizeChangesNoAnswer) {
  RandomWalk none(GetParam(), kNoCache);
  RandomWalk tiny(GetParam(), kTinyCache);
  RandomWalk whole(GetParam(), kCache);

  for (int step = 0; step < 250; ++step) {
    const std::string expected = none.Step();
    ASSERT_EQ(tiny.Step(), expected) << "step " << step;
    ASSERT_EQ(whole.Step(), expected) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SessionCacheWalk, testing::Range(1u, 7u));

}  // namespace
}  // namespace penstock::session_state
