// Somebody else's name answers exactly like one that is absent, byte for byte; and nobody can
// change what they cannot see.

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/canary.h"
#include "tests/mesh/probes.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::mesh {
namespace {

using gateway::v1::Memories;
using gateway::v1::Sessions;
using testing::ElementsAreArray;
using testing::HasSubstr;

// Another name of the same length that nobody has.
std::string Absent(std::string name) {
  name.back() = name.back() == 'f' ? 'e' : 'f';
  return name;
}

// "sessions/s/turns/t": neither the session nor the turn is there.
std::string AbsentTurn(const std::string& name) {
  const auto turns = name.find("/turns/");
  return absl::StrCat(Absent(name.substr(0, turns)), Absent(name.substr(turns)));
}

Names AbsentLike(const Names& names) {
  Names absent = names;
  absent.session = Absent(names.session);
  absent.turn = AbsentTurn(names.turn);
  absent.live_turn = AbsentTurn(names.live_turn);
  absent.queued_turn = AbsentTurn(names.queued_turn);
  absent.memory = Absent(names.memory);
  return absent;
}

// `bytes` with every absent name, whole or in parts, replaced by the one it is like.
std::string Renamed(const std::string& bytes, const Names& absent, const Names& names) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto add = [&](const std::string& from, const std::string& to) {
    pairs.emplace_back(from, to);
    pairs.emplace_back(from.substr(from.rfind('/') + 1), to.substr(to.rfind('/') + 1));
  };
  for (const auto member :
       {&Names::turn, &Names::live_turn, &Names::queued_turn, &Names::session, &Names::memory}) {
    add(absent.*member, names.*member);
  }
  add(absent.live_turn.substr(0, absent.live_turn.find("/turns")),
      names.live_turn.substr(0, names.live_turn.find("/turns")));
  return absl::StrReplaceAll(bytes, pairs);
}

class ForeignNamesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto world = IsolationWorld::Make();
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }

  // Calls `check(asker, owner)` for both pairs of near-equal users, each way.
  template <typename Check>
  void ForEveryPair(const Check& check) const {
    const auto& citizens = world_->citizens();
    for (const auto& [a, b] : {std::pair(0, 1), std::pair(2, 3)}) {
      check(citizens[a], citizens[b]);
      check(citizens[b], citizens[a]);
    }
  }

  void ExpectAllThere(const Citizen& citizen) const {
    for (const auto& [rpc, probes] : ReadProbes()) {
      for (const Probe& probe : probes) {
        const Seen seen = probe.ask(*citizen.caller, citizen.names);
        EXPECT_TRUE(seen.status.ok()) << rpc << " " << probe.what << ": " << seen.status;
        if (!probe.shows_what_was_said) continue;
        EXPECT_THAT(harness::CanariesIn(seen.Wire()), ElementsAreArray({citizen.canary})) << rpc;
      }
    }
  }

  std::unique_ptr<IsolationWorld> world_;
};

TEST_F(ForeignNamesTest, AnswerLikeAbsentOnesOnEveryRpcAndChangeNothing) {
  ForEveryPair([](const Citizen& asker, const Citizen& owner) {
    const Names absent = AbsentLike(owner.names);
    for (const Probes* table : {&ReadProbes(), &WriteProbes()}) {
      for (const auto& [rpc, probes] : *table) {
        for (const Probe& probe : probes) {
          if (!probe.names_a_thing) continue;
          const Seen foreign = probe.ask(*asker.caller, owner.names);
          const Seen nothing = probe.ask(*asker.caller, absent);

          EXPECT_EQ(foreign.Wire(), Renamed(nothing.Wire(), absent, owner.names))
              << rpc << " " << probe.what << ": foreign: " << foreign.status
              << "; absent: " << nothing.status;
          EXPECT_EQ(foreign.status.code(), absl::StatusCode::kNotFound)
              << rpc << " " << probe.what << ": " << foreign.status;
        }
      }
    }
  });

  for (const Citizen& citizen : world_->citizens()) {
    ExpectAllThere(citizen);
    const auto turn = citizen.caller->GetTurn(citizen.names.live_turn);
    ASSERT_TRUE(turn.ok()) << turn.status();
    EXPECT_FALSE(turn->cancel_requested());
  }
}

TEST_F(ForeignNamesTest, OfANewSessionAreFree) {
  ForEveryPair([](const Citizen& asker, const Citizen& owner) {
    gateway::v1::CreateSessionRequest request;
    request.set_session_id(owner.names.session.substr(std::string("sessions/").size()));
    const auto made =
        asker.caller->Call(asker.caller->sessions(), &Sessions::Stub::CreateSession, request);

    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_EQ(made->name(), owner.names.session);
    EXPECT_EQ(made->display_name(), "");
    EXPECT_EQ(made->turn_count(), 0);
  });

  for (const Citizen& citizen : world_->citizens()) {
    const auto turn = citizen.caller->GetTurn(citizen.names.turn);
    ASSERT_TRUE(turn.ok()) << turn.status();
    EXPECT_THAT(turn->SerializeAsString(), HasSubstr(citizen.canary));
  }
}

// All of them have sent this very request_id, each for a memory of their own.
TEST_F(ForeignNamesTest, RequestIdsOfOthersAreFree) {
  for (const Citizen& citizen : world_->citizens()) {
    gateway::v1::CreateMemoryRequest request;
    request.set_request_id("memory-1");
    request.mutable_memory()->set_text("The secret word is " + citizen.canary);
    (*request.mutable_memory()->mutable_labels())["of"] = citizen.canary;
    const auto memory =
        citizen.caller->Call(citizen.caller->memories(), &Memories::Stub::CreateMemory, request);

    ASSERT_TRUE(memory.ok()) << memory.status();
    EXPECT_EQ(memory->name(), citizen.names.memory);
  }
}

}  // namespace
}  // namespace penstock::mesh
