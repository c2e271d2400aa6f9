// What every MemoryStore does. A backend joins with a factory:
//
//   INSTANTIATE_TEST_SUITE_P(RocksDb, MemoryStoreConformance,
//                            testing::Values(StoreFactory([] { return ...; })));
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "libs/rocksdb/testing.h"
#include "services/memory_recall/memory_store.h"

namespace penstock::memory_recall {

class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual MemoryStore& store() = 0;
  // Closes it and opens it again; what is kept in memory only has nothing to do.
  virtual void Restart() = 0;
};

using StoreFactory = std::function<std::unique_ptr<StoreUnderTest>()>;

class MemoryStoreConformance : public testing::TestWithParam<StoreFactory> {
 protected:
  MemoryStore& store() { return under_test_->store(); }
  template <class T>
  T Await(Awaitable<T> coroutine) {
    return threads_.Await(std::move(coroutine));
  }

  std::unique_ptr<StoreUnderTest> under_test_ = GetParam()();
  rocks::CoroutineThreads threads_;
};

// A memory that a turn of session "s" left, or that a caller made.
NewMemory IngestedMemory(absl::Time time, absl::string_view text);
NewMemory CreatedMemory(absl::Time time, absl::string_view text,
                        absl::Time expire_time = absl::InfiniteFuture());

}  // namespace penstock::memory_recall
