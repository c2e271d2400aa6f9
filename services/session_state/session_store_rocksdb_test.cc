#include "services/session_state/session_store_rocksdb.h"

#include <gtest/gtest.h>

#include "libs/rocksdb/testing.h"
#include "services/session_state/session_store_conformance.h"

namespace penstock::session_state {
namespace {

class RocksStoreUnderTest final : public StoreUnderTest {
 public:
  RocksStoreUnderTest() { Reopen(); }
  SessionStore& store() override { return *store_; }
  void Reopen() override {
    store_.reset();
    auto opened = RocksSessionStore::Open({.path = folder_.path()}, reads_, metrics_);
    if (!opened.ok()) std::abort();
    store_ = *std::move(opened);
  }

 private:
  rocks::TemporaryFolder folder_;
  BoundedExecutor reads_{2, 1024};
  obs::Metrics metrics_;
  std::unique_ptr<RocksSessionStore> store_;
};

INSTANTIATE_TEST_SUITE_P(RocksDb, SessionStoreConformance,
                         testing::Values(Backend{
                             "RocksDb", [] { return std::make_unique<RocksStoreUnderTest>(); }}));

}  // namespace
}  // namespace penstock::session_state
