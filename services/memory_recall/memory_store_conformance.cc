#include "services/memory_recall/memory_store_conformance.h"

#include <map>
#include <random>

#include <gmock/gmock.h>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "services/memory_recall/memory_features.h"

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {

NewMemory IngestedMemory(absl::Time time, absl::string_view text) {
  NewMemory memory = CreatedMemory(time, text);
  memory.record.mutable_memory()->set_source_turn("sessions/s/turns/t");
  memory.ranking = RankingRecordOf(memory.record);
  return memory;
}

NewMemory CreatedMemory(absl::Time time, absl::string_view text, absl::Time expire_time) {
  NewMemory memory{.id = NewId(time)};
  auto& shown = *memory.record.mutable_memory();
  shown.set_name(MemoryName(memory.id));
  shown.set_text(std::string(text));
  *shown.mutable_create_time() = ToProto(time);
  if (expire_time != absl::InfiniteFuture()) {
    *shown.mutable_expire_time() = ToProto(expire_time);
  }
  memory.ranking = RankingRecordOf(memory.record);
  return memory;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

identity::UserKey U1() { return identity::UserKeyForTest("t", "u1"); }
identity::UserKey U11() { return identity::UserKeyForTest("t", "u11"); }

absl::Time At(int second) { return kNow + absl::Seconds(second); }

std::vector<std::string> TextsOf(const std::vector<chat::v1::Memory>& memories) {
  std::vector<std::string> texts;
  for (const auto& memory : memories) texts.push_back(memory.text());
  return texts;
}

MemoryStore::IngestArgs Turn(int number, std::vector<NewMemory> memories, int64_t max = 100) {
  return {.turn = absl::StrCat("sessions/s/turns/", number),
          .memories = std::move(memories),
          .max_memories = max};
}

MemoryStore::CreateArgs Creation(NewMemory memory, absl::string_view request_id = "",
                                 int64_t max = 100) {
  return {.memory = std::move(memory),
          .request_id = std::string(request_id),
          .body_hash = "hash",
          .now = kNow,
          .max_memories = max};
}

MemoryStore::ListArgs All(absl::Time now = kNow) {
  return {.page_size = 1000, .max_bytes = 1 << 20, .now = now};
}

TEST_P(MemoryStoreConformance, IngestsATurnOnce) {
  auto first = Await(store().Ingest(U1(), Turn(1, {IngestedMemory(At(0), "a")})));
  under_test_->Restart();
  auto again = Await(store().Ingest(U1(), Turn(1, {IngestedMemory(At(0), "a")})));

  EXPECT_EQ(first->written, 1u);
  EXPECT_EQ(again->written, 0u);
  EXPECT_THAT(TextsOf(Await(store().List(U1(), All()))->memories), ElementsAre("a"));
}

TEST_P(MemoryStoreConformance, BringsNothingBackThatWasDeleted) {
  const NewMemory memory = IngestedMemory(At(0), "a");
  ASSERT_TRUE(Await(store().Ingest(U1(), Turn(1, {memory}))).ok());

  EXPECT_EQ((*Await(store().Delete(U1(), memory.id, kNow)))->text(), "a");
  EXPECT_EQ(Await(store().Ingest(U1(), Turn(1, {IngestedMemory(At(0), "a")})))->written, 0u);

  under_test_->Restart();
  EXPECT_THAT(Await(store().List(U1(), All()))->memories, IsEmpty());
  EXPECT_EQ(Await(store().LoadBlock(U1()))->size(), 0u);
  EXPECT_EQ(*Await(store().Delete(U1(), memory.id, kNow)), std::nullopt);
}

TEST_P(MemoryStoreConformance, KeepsWhatItWrote) {
  NewMemory memory = CreatedMemory(At(0), "likes tea");
  (*memory.record.mutable_memory()->mutable_labels())["k"] = "v";
  ASSERT_TRUE(Await(store().Create(U1(), Creation(memory))).ok());
  under_test_->Restart();

  const auto read = Await(store().Read(U1(), {memory.id}, kNow));

  ASSERT_THAT(*read, SizeIs(1));
  EXPECT_EQ(read->front().SerializeAsString(), memory.record.memory().SerializeAsString());
}

TEST_P(MemoryStoreConformance, LoadsABlockOfAllMemories) {
  ASSERT_TRUE(Await(store().Ingest(U1(), Turn(1, {IngestedMemory(At(0), "tea tea cake")}))).ok());
  ASSERT_TRUE(Await(store().Create(U1(), Creation(CreatedMemory(At(1), "tea")))).ok());
  under_test_->Restart();

  const auto block = Await(store().LoadBlock(U1()));

  EXPECT_EQ(block->size(), 2u);
  EXPECT_EQ(block->spoken_words(), 4u);
}

TEST_P(MemoryStoreConformance, CreatesOnceByRequestId) {
  auto first = Await(store().Create(U1(), Creation(CreatedMemory(At(0), "a"), "r")));
  under_test_->Restart();
  auto again = Await(store().Create(U1(), Creation(CreatedMemory(At(1), "a"), "r")));

  EXPECT_TRUE(first->created);
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->memory.name(), first->memory.name());
  EXPECT_THAT(Await(store().List(U1(), All()))->memories, SizeIs(1));
}

TEST_P(MemoryStoreConformance, RefusesARequestIdWithAnotherBody) {
  ASSERT_TRUE(Await(store().Create(U1(), Creation(CreatedMemory(At(0), "a"), "r"))).ok());
  auto other = Creation(CreatedMemory(At(1), "b"), "r");
  other.body_hash = "other";

  EXPECT_EQ(ReasonOf(Await(store().Create(U1(), other)).status()), "REQUEST_ID_REUSED");
  EXPECT_TRUE(Await(store().Create(U11(), other)).ok());
}

TEST_P(MemoryStoreConformance, ForgetsARequestIdAfterItsTime) {
  ASSERT_TRUE(Await(store().Create(U1(), Creation(CreatedMemory(At(0), "a"), "r"))).ok());
  auto later = Creation(CreatedMemory(At(1), "b"), "r");
  later.body_hash = "other";
  later.now = kNow + absl::Hours(24);

  EXPECT_TRUE(Await(store().Create(U1(), later))->created);

  // The sweep of the first use leaves the second alone.
  ASSERT_TRUE(Await(store().Sweep(kNow + absl::Hours(24) + absl::Minutes(2), 100)).ok());
  later.now = kNow + absl::Hours(25);
  EXPECT_FALSE(Await(store().Create(U1(), later))->created);
}

TEST_P(MemoryStoreConformance, DoesNotCreateAgainWhatWasDeleted) {
  const auto created = Await(store().Create(U1(), Creation(CreatedMemory(At(0), "a"), "r")));
  const std::string id = *ParseMemoryName(created->memory.name(), "name");
  ASSERT_TRUE(Await(store().Delete(U1(), id, kNow)).ok());

  const auto again = Await(store().Create(U1(), Creation(CreatedMemory(At(1), "a"), "r")));

  EXPECT_EQ(ReasonOf(again.status()), "MEMORY_NOT_FOUND");
}

TEST_P(MemoryStoreConformance, ListsNewestFirstInPages) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Await(store().Create(U1(), Creation(CreatedMemory(At(i), absl::StrCat(i))))).ok());
  }

  auto args = All();
  args.page_size = 2;
  std::vector<std::string> texts;
  for (bool more = true; more;) {
    const auto page = Await(store().List(U1(), args));
    for (const auto& memory : page->memories) texts.push_back(memory.text());
    EXPECT_LE(page->memories.size(), 2u);
    args.before_id = *ParseMemoryName(page->memories.back().name(), "name");
    // One that was deleted is still a place to go on from.
    ASSERT_TRUE(Await(store().Delete(U1(), args.before_id, kNow)).ok());
    more = page->more;
  }

  EXPECT_THAT(texts, ElementsAre("4", "3", "2", "1", "0"));
}

TEST_P(MemoryStoreConformance, EndsAPageBeforeItIsTooLarge) {
  for (int i = 0; i < 3; ++i) {
    const std::string text(1000, 'x');
    ASSERT_TRUE(Await(store().Create(U1(), Creation(CreatedMemory(At(i), text)))).ok());
  }
  auto args = All();

  args.max_bytes = 2500;
  EXPECT_THAT(Await(store().List(U1(), args))->memories, SizeIs(2));
  args.max_bytes = 10;
  const auto page = Await(store().List(U1(), args));
  EXPECT_THAT(page->memories, SizeIs(1));
  EXPECT_TRUE(page->more);
}

TEST_P(MemoryStoreConformance, LetsTheOldestIngestedGiveWay) {
  const NewMemory oldest = IngestedMemory(At(1), "oldest");
  ASSERT_TRUE(Await(store().Create(U1(), Creation(CreatedMemory(At(0), "created"), "", 3))).ok());
  ASSERT_TRUE(Await(store().Ingest(U1(), Turn(1, {oldest}, 3))).ok());
  ASSERT_TRUE(Await(store().Ingest(U1(), Turn(2, {IngestedMemory(At(2), "newer")}, 3))).ok());

  const auto ingested = Await(store().Ingest(U1(), Turn(3, {IngestedMemory(At(3), "new")}, 3)));

  EXPECT_EQ(ingested->written, 1u);
  EXPECT_THAT(ingested->evicted, ElementsAre(oldest.id));
  EXPECT_THAT(TextsOf(Await(store().List(U1(), All()))->memories),
              ElementsAre("new", "newer", "created"));
  EXPECT_EQ(Await(store().LoadBlock(U1()))->size(), 3u);
}

TEST_P(MemoryStoreConformance, KeepsCreatedMemoriesAndRefusesMoreWhenTheyFillTheLimit) {
  ASSERT_TRUE(Await(store().Ingest(U1(), Turn(1, {IngestedMemory(At(0), "turn")}, 2))).ok());
  ASSERT_TRUE(Await(store().Create(U1(), Creation(CreatedMemory(At(1), "a"), "", 2))).ok());
  const auto second = Await(store().Create(U1(), Creation(CreatedMemory(At(2), "b"), "", 2)));

  const auto third = Await(store().Create(U1(), Creation(CreatedMemory(At(3), "c"), "", 2)));
  const auto turn = Await(store().Ingest(U1(), Turn(2, {IngestedMemory(At(4), "late")}, 2)));

  EXPECT_THAT(second->evicted, SizeIs(1));
  EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(third.status()), "MEMORY_LIMIT");
  EXPECT_EQ(turn->written, 0u);
  EXPECT_THAT(TextsOf(Await(store().List(U1(), All()))->memories), ElementsAre("b", "a"));
}

TEST_P(MemoryStoreConformance, HidesAnExpiredMemoryFromEveryReadAndSweepsIt) {
  const NewMemory memory = CreatedMemory(At(0), "short", At(60));
  ASSERT_TRUE(Await(store().Create(U1(), Creation(memory, "", 1))).ok());
  EXPECT_THAT(*Await(store().Read(U1(), {memory.id}, At(59))), SizeIs(1));

  EXPECT_THAT(*Await(store().Read(U1(), {memory.id}, At(60))), IsEmpty());
  EXPECT_THAT(Await(store().List(U1(), All(At(60))))->memories, IsEmpty());
  EXPECT_EQ(*Await(store().Delete(U1(), memory.id, At(60))), std::nullopt);

  EXPECT_EQ(*Await(store().Sweep(At(30), 100)), 0u);
  EXPECT_EQ(*Await(store().Sweep(At(121), 100)), 1u);
  EXPECT_EQ(Await(store().LoadBlock(U1()))->size(), 0u);
  EXPECT_TRUE(Await(store().Create(U1(), Creation(CreatedMemory(At(1), "next"), "", 1))).ok());
}

TEST_P(MemoryStoreConformance, KeepsUsersApart) {
  const NewMemory memory = IngestedMemory(At(0), "secret of u1");
  ASSERT_TRUE(Await(store().Ingest(U1(), Turn(1, {memory}))).ok());

  EXPECT_THAT(*Await(store().Read(U11(), {memory.id}, kNow)), IsEmpty());
  EXPECT_THAT(Await(store().List(U11(), All()))->memories, IsEmpty());
  EXPECT_EQ(Await(store().LoadBlock(U11()))->size(), 0u);
  EXPECT_EQ(*Await(store().Delete(U11(), memory.id, kNow)), std::nullopt);
  EXPECT_EQ(Await(store().Ingest(U11(), Turn(1, {IngestedMemory(At(0), "of u11")})))->written, 1u);
  EXPECT_THAT(TextsOf(Await(store().List(U1(), All()))->memories), ElementsAre("secret of u1"));
}

TEST_P(MemoryStoreConformance, WritesOneTurnOnceWhenManyIngestItAtTheSameTime) {
  std::vector<std::future<absl::StatusOr<MemoryStore::Ingested>>> calls;
  for (int i = 0; i < 50; ++i) {
    calls.push_back(threads_.Start(
        store().Ingest(U1(), Turn(i % 5, {IngestedMemory(At(i), absl::StrCat(i % 5))}, 3))));
  }

  size_t written = 0;
  for (auto& call : calls) written += call.get()->written;

  EXPECT_EQ(written, 5u);
  EXPECT_THAT(Await(store().List(U1(), All()))->memories, SizeIs(3));
}

// Random calls against the simplest model: the newest ids of each user.
TEST_P(MemoryStoreConformance, DoesWhatAModelDoes) {
  constexpr int64_t kMax = 6;
  std::mt19937 random(20260101);
  std::map<int, std::vector<NewMemory>> model;  // by user, oldest first
  for (int step = 0; step < 400; ++step) {
    const int who = static_cast<int>(random() % 2);
    const auto user = who == 0 ? U1() : U11();
    auto& expected = model[who];
    const auto is_ingested = [](const NewMemory& memory) {
      return !memory.record.memory().source_turn().empty();
    };
    const auto evict = [&] {
      while (static_cast<int64_t>(expected.size()) > kMax) {
        expected.erase(std::find_if(expected.begin(), expected.end(), is_ingested));
      }
    };
    const auto created = std::count_if(expected.begin(), expected.end(), std::not_fn(is_ingested));
    switch (random() % 4) {
      case 0:
      case 1: {
        const NewMemory memory = IngestedMemory(At(step), absl::StrCat(step));
        ASSERT_TRUE(Await(store().Ingest(user, Turn(step, {memory}, kMax))).ok());
        if (created < kMax) expected.push_back(memory);
        break;
      }
      case 2: {
        const NewMemory memory = CreatedMemory(At(step), absl::StrCat(step));
        const auto result = Await(store().Create(user, Creation(memory, "", kMax)));
        ASSERT_EQ(result.ok(), created < kMax) << result.status();
        if (result.ok()) expected.push_back(memory);
        break;
      }
      case 3: {
        if (expected.empty()) break;
        const size_t at = random() % expected.size();
        ASSERT_TRUE((*Await(store().Delete(user, expected[at].id, kNow))).has_value());
        expected.erase(expected.begin() + static_cast<ptrdiff_t>(at));
        break;
      }
    }
    evict();
    std::vector<std::string> texts;
    for (const auto& memory : expected) texts.insert(texts.begin(), memory.record.memory().text());
    ASSERT_EQ(TextsOf(Await(store().List(user, All()))->memories), texts) << "step " << step;
    ASSERT_EQ(Await(store().LoadBlock(user))->size(), texts.size());
  }
}

}  // namespace
}  // namespace penstock::memory_recall
