#include "libs/rocksdb/key_locks.h"

#include <gtest/gtest.h>

#include "libs/async/awaitable.h"
#include "libs/async/inline_executor.h"
#include "libs/rocksdb/testing.h"

namespace penstock::rocks {
namespace {

Awaitable<bool> AddWithoutAtomics(KeyLocks& locks, std::string key, int64_t& sum, int times) {
  for (int i = 0; i < times; ++i) {
    const KeyLocks::Hold hold = co_await locks.Lock(key);
    const int64_t before = sum;
    co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                               boost::asio::use_awaitable);
    sum = before + 1;
  }
  co_return true;
}

TEST(KeyLocks, ExcludeAllOthersAcrossASuspension) {
  KeyLocks locks;
  CoroutineThreads threads(4);
  std::array<int64_t, 2> sums = {};

  std::vector<std::future<bool>> running;
  for (size_t i = 0; i < 64; ++i) {
    running.push_back(
        threads.Start(AddWithoutAtomics(locks, std::string(i % 2, 'k'), sums[i % 2], 100)));
  }
  for (auto& each : running) each.get();

  EXPECT_EQ(sums[0], 3200);
  EXPECT_EQ(sums[1], 3200);
}

Awaitable<void> Note(KeyLocks& locks, OneShot<bool>& leave, std::vector<int>& order, int id) {
  const KeyLocks::Hold hold = co_await locks.Lock("key");
  order.push_back(id);
  co_await leave.Wait();
}

TEST(KeyLocks, ServeThoseWhoWaitInOrderOfArrival) {
  boost::asio::io_context io;
  const Executor executor = InlineExecutor(io);
  KeyLocks locks;
  std::array<OneShot<bool>, 4> leave;
  std::vector<int> order;

  for (int i = 0; i < 4; ++i) Spawn(executor, Note(locks, leave[i], order, i));
  EXPECT_EQ(order, std::vector<int>({0}));
  for (auto& one : leave) {
    one.Set(true);
    io.run();
    io.restart();
  }

  EXPECT_EQ(order, std::vector<int>({0, 1, 2, 3}));
}

}  // namespace
}  // namespace penstock::rocks
