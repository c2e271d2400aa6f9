#include "services/dispatcher/queue/strict_scheduler.h"

#include <algorithm>
#include <chrono>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace penstock::dispatcher {
namespace {

using chat::v1::CLASS_ACTION;
using chat::v1::CLASS_BATCH;
using chat::v1::CLASS_FIRST;
using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;
using chat::v1::TurnClass;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kNow = absl::ZeroDuration();

WaitingEntry Entry(EntryId id, TurnClass turn_class, int64_t seq) {
  return {.id = id, .turn_class = turn_class, .tenant = "t", .user = 1, .seq = seq};
}

void EnqueueReady(StrictScheduler& scheduler, EntryId id, TurnClass turn_class, int64_t seq) {
  scheduler.Enqueue(Entry(id, turn_class, seq), kNow);
  scheduler.MarkReady(id);
}

std::vector<EntryId> StartAll(StrictScheduler& scheduler) {
  std::vector<EntryId> started;
  while (const auto id = scheduler.Pick(kNow)) {
    scheduler.Start(*id, kNow);
    started.push_back(*id);
  }
  return started;
}

TEST(StrictScheduler, ServesClassesInOrderOfRank) {
  StrictScheduler scheduler;
  EnqueueReady(scheduler, 1, CLASS_BATCH, 1);
  EnqueueReady(scheduler, 2, CLASS_FREE, 2);
  EnqueueReady(scheduler, 3, CLASS_PAID, 3);
  EnqueueReady(scheduler, 4, CLASS_FIRST, 4);
  EnqueueReady(scheduler, 5, CLASS_ACTION, 5);

  EXPECT_THAT(StartAll(scheduler), ElementsAre(5, 4, 3, 2, 1));
}

TEST(StrictScheduler, ServesAClassInOrderOfAcceptanceNotOfArrival) {
  StrictScheduler scheduler;
  EnqueueReady(scheduler, 1, CLASS_PAID, 30);
  EnqueueReady(scheduler, 2, CLASS_PAID, 10);
  EnqueueReady(scheduler, 3, CLASS_PAID, 20);

  EXPECT_THAT(StartAll(scheduler), ElementsAre(2, 3, 1));
}

TEST(StrictScheduler, PassesAnEntryThatIsNotReadyAndServesItFirstOnceItIs) {
  StrictScheduler scheduler;
  scheduler.Enqueue(Entry(1, CLASS_PAID, 1), kNow);
  EnqueueReady(scheduler, 2, CLASS_PAID, 2);
  EnqueueReady(scheduler, 3, CLASS_PAID, 3);

  EXPECT_EQ(scheduler.Pick(kNow), 2u);
  scheduler.Start(2, kNow);
  scheduler.MarkReady(1);

  EXPECT_THAT(StartAll(scheduler), ElementsAre(1, 3));
}

TEST(StrictScheduler, RaisesAnEntryAndLowersItAgain) {
  StrictScheduler scheduler;
  EnqueueReady(scheduler, 1, CLASS_BATCH, 1);
  EnqueueReady(scheduler, 2, CLASS_PAID, 2);

  scheduler.SetClass(1, CLASS_ACTION);
  EXPECT_EQ(scheduler.Pick(kNow), 1u);
  scheduler.SetClass(1, CLASS_BATCH);
  EXPECT_EQ(scheduler.Pick(kNow), 2u);
}

TEST(StrictScheduler, KeepsThePlaceOfAnEntryThatGaveItsPermitBack) {
  StrictScheduler scheduler;
  EnqueueReady(scheduler, 1, CLASS_PAID, 1);
  EnqueueReady(scheduler, 2, CLASS_PAID, 2);
  scheduler.Start(1, kNow);
  EXPECT_EQ(scheduler.Position(1), 0);

  scheduler.Requeue(1);

  EXPECT_EQ(scheduler.Position(1), 1);
  EXPECT_EQ(scheduler.Pick(kNow), 2u);  // not ready yet
  scheduler.MarkReady(1);
  EXPECT_EQ(scheduler.Pick(kNow), 1u);
}

TEST(StrictScheduler, NamesEachEntryOnceWhenItComesIntoTheWindow) {
  StrictScheduler scheduler;
  for (EntryId id = 1; id <= 4; ++id) {
    scheduler.Enqueue(Entry(id, CLASS_FREE, static_cast<int64_t>(id)), kNow);
  }
  EXPECT_THAT(scheduler.Window(2), ElementsAre(1, 2));
  EXPECT_THAT(scheduler.Window(2), IsEmpty());

  scheduler.MarkReady(1);
  scheduler.Start(1, kNow);
  EXPECT_THAT(scheduler.Window(2), ElementsAre(3));

  scheduler.Enqueue(Entry(9, CLASS_ACTION, 9), kNow);
  EXPECT_THAT(scheduler.Window(2), ElementsAre(9));
  scheduler.Requeue(1);
  EXPECT_THAT(scheduler.Window(5), ElementsAre(4));
}

TEST(StrictScheduler, TellsThePositionOfTheNextOfAClass) {
  StrictScheduler scheduler;
  EXPECT_EQ(scheduler.PositionOfNext(CLASS_FREE), 1);
  EnqueueReady(scheduler, 1, CLASS_FREE, 1);
  EnqueueReady(scheduler, 2, CLASS_ACTION, 2);
  EnqueueReady(scheduler, 3, CLASS_BATCH, 3);

  EXPECT_EQ(scheduler.PositionOfNext(CLASS_ACTION), 2);
  EXPECT_EQ(scheduler.PositionOfNext(CLASS_PAID), 2);
  EXPECT_EQ(scheduler.PositionOfNext(CLASS_FREE), 3);
  EXPECT_EQ(scheduler.PositionOfNext(CLASS_BATCH), 4);
}

TEST(StrictScheduler, IgnoresWhatItDoesNotKnow) {
  StrictScheduler scheduler;
  scheduler.MarkReady(1);
  scheduler.Start(1, kNow);
  scheduler.Requeue(1);
  scheduler.Settle(1, {});
  scheduler.Withdraw(1);
  scheduler.SetClass(1, CLASS_ACTION);

  EXPECT_EQ(scheduler.Pick(kNow), std::nullopt);
  EXPECT_EQ(scheduler.Position(1), 0);
  EXPECT_EQ(scheduler.waiting(), 0u);
}

// What the scheduler should do, written without any index.
class PlainScheduler {
 public:
  enum class State { kWaiting, kReady, kStarted };
  struct Known {
    TurnClass turn_class;
    int64_t seq;
    State state = State::kWaiting;
    bool named = false;
  };

  std::map<EntryId, Known> entries;

  std::vector<EntryId> Line() const {
    std::vector<EntryId> line;
    for (const auto& [id, known] : entries) {
      if (known.state != State::kStarted) line.push_back(id);
    }
    std::sort(line.begin(), line.end(), [&](EntryId a, EntryId b) {
      const Known& x = entries.at(a);
      const Known& y = entries.at(b);
      return std::tuple(x.turn_class, x.seq, a) < std::tuple(y.turn_class, y.seq, b);
    });
    return line;
  }

  std::optional<EntryId> Pick() const {
    for (const EntryId id : Line()) {
      if (entries.at(id).state == State::kReady) return id;
    }
    return std::nullopt;
  }

  std::vector<EntryId> Window(size_t n) {
    std::vector<EntryId> named;
    const std::vector<EntryId> line = Line();
    for (size_t i = 0; i < std::min(n, line.size()); ++i) {
      if (!std::exchange(entries.at(line[i]).named, true)) named.push_back(line[i]);
    }
    return named;
  }

  void Move(EntryId id, State from, State to) {
    const auto known = entries.find(id);
    if (known != entries.end() && known->second.state == from) known->second.state = to;
  }
};

void ExpectSame(const StrictScheduler& scheduler, const PlainScheduler& plain) {
  const std::vector<EntryId> line = plain.Line();
  RC_ASSERT(scheduler.waiting() == line.size());
  RC_ASSERT(scheduler.Pick(kNow) == plain.Pick());
  for (size_t i = 0; i < line.size(); ++i) {
    RC_ASSERT(scheduler.Position(line[i]) == static_cast<int64_t>(i) + 1);
  }
}

void Step(StrictScheduler& scheduler, PlainScheduler& plain, EntryId id, int action,
          TurnClass turn_class, int64_t seq) {
  using State = PlainScheduler::State;
  switch (action) {
    case 0:
    case 1:
      scheduler.Enqueue(Entry(id, turn_class, seq), kNow);
      plain.entries.try_emplace(id, PlainScheduler::Known{turn_class, seq});
      return;
    case 2:
      scheduler.MarkReady(id);
      return plain.Move(id, State::kWaiting, State::kReady);
    case 3:
      scheduler.SetClass(id, turn_class);
      if (plain.entries.contains(id) && plain.entries.at(id).state != State::kStarted) {
        plain.entries.at(id).turn_class = turn_class;
      }
      return;
    case 4:
      scheduler.Withdraw(id);
      plain.entries.erase(id);
      return;
    case 5:
      if (const auto next = plain.Pick()) {
        scheduler.Start(*next, kNow);
        plain.Move(*next, State::kReady, State::kStarted);
      }
      return;
    case 6:
      scheduler.Requeue(id);
      return plain.Move(id, State::kStarted, State::kWaiting);
    case 7:
      scheduler.Settle(id, {});
      if (plain.entries.contains(id) && plain.entries.at(id).state == State::kStarted) {
        plain.entries.erase(id);
      }
      return;
    default:
      RC_ASSERT(scheduler.Window(static_cast<size_t>(seq)) ==
                plain.Window(static_cast<size_t>(seq)));
  }
}

RC_GTEST_PROP(StrictScheduler, DoesWhatAPlainListDoesOverAnyTrace, ()) {
  StrictScheduler scheduler;
  PlainScheduler plain;
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(1, 20), rc::gen::inRange(0, 9), rc::gen::inRange(1, 6),
                     rc::gen::inRange(0, 12)));
  for (const auto& [id, action, turn_class, seq] : steps) {
    Step(scheduler, plain, static_cast<EntryId>(id), action, static_cast<TurnClass>(turn_class),
         seq);
    ExpectSame(scheduler, plain);
  }
}

TEST(StrictScheduler, StaysQuickWithAHundredThousandEntries) {
  constexpr EntryId kEntries = 100'000;
  StrictScheduler scheduler;
  for (EntryId id = 1; id <= kEntries; ++id) {
    EnqueueReady(scheduler, id, static_cast<TurnClass>(1 + id % 5), static_cast<int64_t>(id));
  }
  const auto begin = std::chrono::steady_clock::now();

  int64_t sum = 0;
  for (EntryId id = 1; id <= kEntries; ++id) sum += scheduler.Position(id);
  EXPECT_EQ(sum, static_cast<int64_t>(kEntries * (kEntries + 1) / 2));
  EXPECT_EQ(StartAll(scheduler).size(), kEntries);

  // Linear work would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace penstock::dispatcher
