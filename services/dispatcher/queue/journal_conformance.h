// What every journal must do, as tests. A backend joins with
//
//   INSTANTIATE_TEST_SUITE_P(Rocks, JournalConformance, testing::Values(MakeRocksBackend));
//
// in a test program that also compiles journal_conformance.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libs/rocksdb/testing.h"
#include "services/dispatcher/queue/journal.h"

namespace penstock::dispatcher {

// One journal that can be closed and opened again over what it stored.
class JournalBackend {
 public:
  virtual ~JournalBackend() = default;
  // Closes the journal that the last call answered, and makes one over the same storage. The test
  // calls Open.
  virtual Journal& Reopen() = 0;
};

using MakeJournalBackend = std::unique_ptr<JournalBackend> (*)();

class JournalConformance : public testing::TestWithParam<MakeJournalBackend> {
 protected:
  // Closes the journal, opens it again with as many shards and answers what it recovered.
  std::vector<RecoveredShard> Restart(int shards = 1);
  template <class T>
  T Await(Awaitable<T> operation) {
    return threads_.Await(std::move(operation));
  }
  std::vector<std::string> UnfinishedTurns(const RecoveredShard& shard) const;

  rocks::CoroutineThreads threads_;
  std::unique_ptr<JournalBackend> backend_ = GetParam()();
  Journal* journal_ = nullptr;
};

}  // namespace penstock::dispatcher
