#include "services/memory_recall/fake_memory_store.h"

#include "services/memory_recall/memory_store_conformance.h"

namespace penstock::memory_recall {
namespace {

class FakeUnderTest : public StoreUnderTest {
 public:
  MemoryStore& store() override { return store_; }
  void Restart() override {}

 private:
  FakeMemoryStore store_;
};

INSTANTIATE_TEST_SUITE_P(Fake, MemoryStoreConformance, testing::Values(StoreFactory([] {
                           return std::make_unique<FakeUnderTest>();
                         })));

}  // namespace
}  // namespace penstock::memory_recall
