// Users with near-equal names, interleaved on one connection over every RPC that reads: nobody is
// shown anything of anybody else. PENSTOCK_SCALE=full: 10,000 calls.

#include <atomic>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/canary.h"
#include "tests/harness/heavy_test.h"
#include "tests/mesh/contracts.h"
#include "tests/mesh/probes.h"

#include "absl/strings/str_cat.h"

namespace penstock::mesh {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

constexpr int kThreads = 4;

int CallsWanted() { return harness::IsFullSize() ? 10'000 : 1'000; }

struct Call {
  std::string rpc;
  const Probe* probe;
};

std::vector<Call> AllReads() {
  std::vector<Call> reads;
  for (const auto& [rpc, probes] : ReadProbes()) {
    for (const Probe& probe : probes) reads.push_back({rpc, &probe});
  }
  return reads;
}

TEST(Interleaving, EveryPublicRpcIsCovered) {
  std::set<std::string> covered(CreatingRpcs().begin(), CreatingRpcs().end());
  for (const Probes* probes : {&ReadProbes(), &WriteProbes()}) {
    for (const auto& [rpc, list] : *probes) {
      EXPECT_FALSE(list.empty()) << rpc;
      EXPECT_TRUE(covered.insert(rpc).second) << rpc << " stands twice";
    }
  }

  EXPECT_THAT(covered, UnorderedElementsAreArray(RpcsOf("penstock.gateway.v1")))
      << "an RPC of the public API needs a probe in read_probes.cc or write_probes.cc";
}

TEST(Interleaving, CanariesThatStandInAnAnswerAreFound) {
  chat::v1::Turn turn;
  (*turn.mutable_labels())["of"] = harness::CanaryOf("x");

  EXPECT_THAT(harness::CanariesIn(turn.SerializeAsString()),
              ElementsAreArray({harness::CanaryOf("x")}));
}

// What `asker` is shown when it names what is of `owner`, which may be itself.
void ExpectOnlyOwn(const Citizen& asker, const Citizen& owner, const Call& call) {
  const Seen seen = call.probe->ask(*asker.caller, owner.names);

  const auto describe = [&] {
    return absl::StrCat(call.rpc, " ", call.probe->what, ": ", asker.user.tenant, "|",
                        asker.user.user, " asks for what is of ", owner.user.tenant, "|",
                        owner.user.user, ": ", seen.status.ToString());
  };
  const std::vector<std::string> canaries = harness::CanariesIn(seen.Wire());
  if (&asker == &owner) {
    EXPECT_TRUE(seen.status.ok()) << describe();
    if (call.probe->shows_what_was_said) {
      EXPECT_THAT(canaries, ElementsAreArray({asker.canary})) << describe();
    } else {
      EXPECT_THAT(canaries, IsEmpty()) << describe();
    }
  } else if (call.probe->names_a_thing) {
    EXPECT_THAT(canaries, IsEmpty()) << describe();
  } else {
    for (const std::string& canary : canaries) EXPECT_EQ(canary, asker.canary) << describe();
  }
}

TEST(Interleaving, NothingCrossesOnOneConnection) {
  const auto world = IsolationWorld::Make();
  ASSERT_TRUE(world.ok()) << world.status();
  const auto& citizens = (*world)->citizens();
  const std::vector<Call> reads = AllReads();
  std::atomic<int> next = 0;
  const int wanted = CallsWanted();

  const auto ask = [&](unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<size_t> anybody(0, citizens.size() - 1);
    for (int i = next++; i < wanted && !testing::Test::HasFailure(); i = next++) {
      const Citizen& asker = citizens[anybody(random)];
      // Half ask for what is their own.
      const Citizen& owner = random() % 2 == 0 ? asker : citizens[anybody(random)];
      ExpectOnlyOwn(asker, owner, reads[static_cast<size_t>(i) % reads.size()]);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back(ask, i);
  for (std::thread& thread : threads) thread.join();

  EXPECT_GE(next, wanted);
}

}  // namespace
}  // namespace penstock::mesh
