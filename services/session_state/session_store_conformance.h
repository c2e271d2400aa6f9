// The suite that every SessionStore passes. A backend joins it in ten lines:
//
//   class RocksStoreUnderTest final : public StoreUnderTest { ... };
//   INSTANTIATE_TEST_SUITE_P(RocksDb, SessionStoreConformance, testing::Values(Backend{
//       "RocksDb", [] { return std::make_unique<RocksStoreUnderTest>(); }}));
//
// and lists session_store_conformance*.cc among the sources of its test.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "services/session_state/session_store.h"

namespace penstock::session_state {

// A store of its own for one test. idle_ttl 30 days, max_history_turns 200, request ids 24 h.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual SessionStore& store() = 0;
  // Closes it and opens it again over what it left.
  virtual void Reopen() = 0;
};

struct Backend {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;
};

// How GoogleTest prints a parameter.
void PrintTo(const Backend& backend, std::ostream* out);

class SessionStoreConformance : public testing::TestWithParam<Backend> {
 protected:
  using Fence = session::v1::Fence;
  using Session = chat::v1::Session;
  using State = chat::v1::Turn::State;
  using Turn = chat::v1::Turn;
  using BeginResult = absl::StatusOr<session::v1::BeginTurnResponse>;
  using CommitResult = absl::StatusOr<session::v1::CommitTurnResponse>;

  void SetUp() override { under_test_ = GetParam().make(); }

  SessionStore& store() { return under_test_->store(); }
  void Reopen() { under_test_->Reopen(); }

  // Runs an operation to its end.
  template <class T>
  T Await(Awaitable<T> operation) {
    return threads_.Await(std::move(operation));
  }

  // Starts one that runs beside others.
  template <class T>
  std::future<T> Start(Awaitable<T> operation) {
    return threads_.Start(std::move(operation));
  }

  static Fence FenceOf(int64_t epoch, int64_t start);
  // "turn t3 says" in, "turn t3 answers" out.
  static Turn Accepted(const std::string& turn, int64_t sequence);
  static Turn Ended(const std::string& turn, State state, int64_t sequence = 0);
  BeginTurnArgs BeginArgs(const std::string& session, const std::string& turn, int64_t sequence,
                          Fence fence);
  CommitTurnArgs CommitArgs(const std::string& session, const std::string& turn, State state,
                            Fence fence);

  BeginResult Begin(const std::string& session, const std::string& turn, int64_t sequence,
                    Fence fence);
  CommitResult Commit(const std::string& session, const std::string& turn, State state,
                      Fence fence);
  // Begins and ends it, with a fence that rises by itself.
  void RunTurn(const std::string& session, const std::string& turn, int64_t sequence,
               State state = Turn::SUCCEEDED);
  absl::StatusOr<Session> Create(const std::string& session, const std::string& request_id = "",
                                 const std::string& digest = "");
  absl::StatusOr<Session> Get(const std::string& session);

  // Turn ids of all pages, with a space between and a bar after each page.
  std::string TurnPages(ListTurnsArgs args);
  std::string SessionPages(PageArgs page);

  const UserKey user_ = identity::UserKeyForTest("acme", "u1");
  absl::Time now_ = absl::FromUnixSeconds(1'790'000'000);
  int64_t starts_ = 0;

 private:
  rocks::CoroutineThreads threads_{4};
  std::unique_ptr<StoreUnderTest> under_test_;
};

}  // namespace penstock::session_state
