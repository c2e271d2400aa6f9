#include "services/memory_recall/memory_recall_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/fake_clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "services/memory_recall/bm25_ranker.h"
#include "services/memory_recall/fake_memory_store.h"

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

identity::UserKey U1() { return identity::UserKeyForTest("t", "u1"); }
identity::UserKey U11() { return identity::UserKeyForTest("t", "u11"); }

memory::v1::IngestRequest Turn(absl::string_view session, absl::string_view turn,
                               absl::string_view said, absl::string_view answered = "") {
  memory::v1::IngestRequest request;
  request.set_turn(TurnName(session, turn));
  request.add_input()->mutable_text()->set_text(std::string(said));
  auto* output = request.add_output();
  output->set_role(chat::v1::ASSISTANT);
  output->add_parts()->mutable_reasoning()->set_text("secretthought");
  output->add_parts()->mutable_text()->set_text(std::string(answered));
  return request;
}

memory::v1::RecallRequest Question(absl::string_view text) {
  memory::v1::RecallRequest request;
  request.add_input()->mutable_text()->set_text(std::string(text));
  return request;
}

memory::v1::CreateMemoryRequest Creation(absl::string_view text,
                                         absl::string_view request_id = "") {
  memory::v1::CreateMemoryRequest request;
  request.mutable_memory()->set_text(std::string(text));
  request.set_request_id(std::string(request_id));
  return request;
}

class CoreTest : public testing::Test {
 protected:
  std::vector<std::string> Recall(identity::UserKey user,
                                  const memory::v1::RecallRequest& request) {
    const auto response = threads_.Await(core_.Recall(user, request));
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> texts;
    for (const auto& scored : response->memories()) texts.push_back(scored.memory().text());
    return texts;
  }
  int Ingest(identity::UserKey user, const memory::v1::IngestRequest& request) {
    const auto response = threads_.Await(core_.Ingest(user, request));
    EXPECT_TRUE(response.ok()) << response.status();
    return response->written();
  }
  absl::StatusOr<chat::v1::Memory> Create(identity::UserKey user,
                                          const memory::v1::CreateMemoryRequest& request) {
    return threads_.Await(core_.Create(user, request));
  }
  absl::StatusOr<chat::v1::Memory> Get(identity::UserKey user, absl::string_view name) {
    memory::v1::GetMemoryRequest request;
    request.set_name(std::string(name));
    return threads_.Await(core_.Get(user, request));
  }
  absl::StatusOr<chat::v1::Memory> Delete(identity::UserKey user, absl::string_view name) {
    memory::v1::DeleteMemoryRequest request;
    request.set_name(std::string(name));
    return threads_.Await(core_.Delete(user, request));
  }
  absl::StatusOr<memory::v1::ListMemoriesResponse> List(identity::UserKey user, int page_size,
                                                        absl::string_view token = "") {
    memory::v1::ListMemoriesRequest request;
    request.set_page_size(page_size);
    request.set_page_token(std::string(token));
    return threads_.Await(core_.List(user, request));
  }

  FakeClock clock_;
  obs::Metrics metrics_;
  FakeMemoryStore store_;
  Bm25Ranker ranker_{{}};
  RecallSettings settings_{.max_memory_bytes = 64, .max_memories_per_user = 10};
  MemoryRecallCore core_{store_, ranker_, nullptr, clock_, settings_, metrics_};
  rocks::CoroutineThreads threads_{2};
};

TEST_F(CoreTest, RemembersWhatTheUserSaidVerbatim) {
  EXPECT_EQ(Ingest(U1(), Turn("s", "t", "  My dog is\n called Bruno! ", "Nice.")), 1);

  const auto list = List(U1(), 0);

  ASSERT_THAT(list->memories(), SizeIs(1));
  const auto& memory = list->memories(0);
  EXPECT_EQ(memory.text(), "  My dog is\n called Bruno! ");
  EXPECT_EQ(memory.source_turn(), "sessions/s/turns/t");
  EXPECT_EQ(FromProto(memory.create_time()), clock_.Now());
  EXPECT_THAT(Recall(U1(), Question("the dog?")), ElementsAre("  My dog is\n called Bruno! "));
}

TEST_F(CoreTest, NeverReturnsOrFindsByReasoning) {
  Ingest(U1(), Turn("s", "t", "hello there", "good day"));

  EXPECT_THAT(Recall(U1(), Question("secretthought")), IsEmpty());
  EXPECT_THAT(Recall(U1(), Question("good day")), ElementsAre("hello there"));
}

TEST_F(CoreTest, IngestsATurnOnceAndNothingOfAnEmptyOne) {
  EXPECT_EQ(Ingest(U1(), Turn("s", "t", "cats")), 1);
  EXPECT_EQ(Ingest(U1(), Turn("s", "t", "cats")), 0);
  EXPECT_EQ(Ingest(U1(), Turn("s", "t2", " \n ")), 0);
  EXPECT_THAT(Recall(U1(), Question("cat")), SizeIs(1));
}

TEST_F(CoreTest, SplitsALongInputAndLosesNothing) {
  const std::string text =
      "The first sentence is about apples. The second one is about pears and plums. "
      "The third one is about figs.";

  EXPECT_GT(Ingest(U1(), Turn("s", "t", text)), 1);

  const auto list = List(U1(), 0);
  std::string joined;
  for (int i = list->memories_size() - 1; i >= 0; --i) joined += list->memories(i).text();
  EXPECT_EQ(joined, text);
}

TEST_F(CoreTest, LeavesOutTheSessionWhoseHistoryIsThere) {
  Ingest(U1(), Turn("here", "t", "cats purr"));
  Ingest(U1(), Turn("there", "t", "cats sleep"));
  auto request = Question("cats");
  request.set_exclude_session("sessions/here");

  EXPECT_THAT(Recall(U1(), request), ElementsAre("cats sleep"));
}

TEST_F(CoreTest, SeesEveryWriteInTheNextRecallWithAndWithoutTheBlockInMemory) {
  EXPECT_THAT(Recall(U1(), Question("cats")), IsEmpty());  // the empty block is kept
  const auto created = Create(U1(), Creation("cats purr"));
  EXPECT_THAT(Recall(U1(), Question("cats")), ElementsAre("cats purr"));
  Ingest(U1(), Turn("s", "t", "two cats"));
  EXPECT_THAT(Recall(U1(), Question("cats")), SizeIs(2));

  ASSERT_TRUE(Delete(U1(), created->name()).ok());
  EXPECT_THAT(Recall(U1(), Question("cats")), ElementsAre("two cats"));

  MemoryRecallCore fresh(store_, ranker_, nullptr, clock_, settings_, metrics_);
  EXPECT_THAT(threads_.Await(fresh.Recall(U1(), Question("cats")))->memories(), SizeIs(1));
}

TEST_F(CoreTest, DoesNotKeepABlockThatMissedAWrite) {
  store_.after_load = [&] {
    store_.after_load = [] {};
    ASSERT_TRUE(Create(U1(), Creation("cats purr")).ok());
  };
  Recall(U1(), Question("cats"));

  EXPECT_THAT(Recall(U1(), Question("cats")), ElementsAre("cats purr"));
}

TEST_F(CoreTest, GivesTheOldestTurnsUpForNewOnes) {
  for (int i = 0; i < 12; ++i) {
    clock_.Advance(absl::Minutes(1));
    Ingest(U1(), Turn("s", absl::StrCat(i), absl::StrCat("cats ", i)));
  }

  EXPECT_THAT(List(U1(), 0)->memories(), SizeIs(10));
  EXPECT_THAT(Recall(U1(), Question("cats")), SizeIs(10));
}

TEST_F(CoreTest, HidesExpiredMemoriesFromRecallAtOnce) {
  auto request = Creation("cats purr");
  *request.mutable_memory()->mutable_expire_time() = ToProto(clock_.Now() + absl::Hours(1));
  const auto created = Create(U1(), request);
  EXPECT_THAT(Recall(U1(), Question("cats")), SizeIs(1));

  clock_.Advance(absl::Hours(1));

  EXPECT_THAT(Recall(U1(), Question("cats")), IsEmpty());
  EXPECT_EQ(ReasonOf(Get(U1(), created->name()).status()), "MEMORY_NOT_FOUND");
}

TEST_F(CoreTest, CreatesWithTheFieldsACallerMaySet) {
  auto request = Creation("likes tea", "r1");
  request.mutable_memory()->set_name("memories/mine");
  request.mutable_memory()->set_source_turn("sessions/s/turns/t");
  (*request.mutable_memory()->mutable_labels())["kind"] = "taste";

  const auto created = Create(U1(), request);

  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_NE(created->name(), "memories/mine");
  EXPECT_EQ(created->source_turn(), "");
  EXPECT_EQ(created->labels().at("kind"), "taste");
  EXPECT_EQ(Get(U1(), created->name())->SerializeAsString(), created->SerializeAsString());
  EXPECT_EQ(Create(U1(), request)->name(), created->name());
  EXPECT_EQ(ReasonOf(Create(U1(), Creation("other", "r1")).status()), "REQUEST_ID_REUSED");
}

TEST_F(CoreTest, AnswersForAForeignMemoryExactlyAsForAnAbsentOne) {
  const auto created = Create(U1(), Creation("cats purr"));
  const std::string absent = MemoryName(NewId(clock_.Now()));

  absl::Status foreign = Get(U11(), created->name()).status();
  absl::Status missing = Get(U11(), absent).status();

  EXPECT_EQ(foreign.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MetadataOf(foreign, "name"), created->name());
  std::string foreign_bytes = ToRpcStatus(foreign).SerializeAsString();
  std::string missing_bytes = ToRpcStatus(missing).SerializeAsString();
  for (std::string* bytes : {&foreign_bytes, &missing_bytes}) {
    for (const auto& name : {created->name(), absent}) {
      for (size_t at; (at = bytes->find(name)) != std::string::npos;)
        bytes->replace(at, name.size(), "");
    }
  }
  EXPECT_EQ(foreign_bytes, missing_bytes);
  EXPECT_EQ(ReasonOf(Delete(U11(), created->name()).status()), "MEMORY_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Get(U1(), "memories/no-uuid").status()), "MEMORY_NOT_FOUND");
  EXPECT_TRUE(Get(U1(), created->name()).ok());
}

TEST_F(CoreTest, KeepsNearEqualUsersApartInEveryRead) {
  for (int i = 0; i < 5; ++i) {
    Ingest(U1(), Turn("s", absl::StrCat(i), absl::StrCat("cats of one ", i)));
    Ingest(U11(), Turn("s", absl::StrCat(i), absl::StrCat("cats of eleven ", i)));
  }
  memory::v1::SearchMemoriesRequest search;
  search.set_query("cats");

  for (const auto& [user, word] : {std::pair(U1(), "one"), std::pair(U11(), "eleven")}) {
    const auto recalled = Recall(user, Question("cats of one or eleven"));
    EXPECT_THAT(recalled, SizeIs(5));
    EXPECT_THAT(recalled, testing::Each(testing::HasSubstr(word)));
    const auto hits = threads_.Await(core_.Search(user, search));
    for (const auto& hit : hits->hits()) {
      EXPECT_THAT(hit.memory().text(), testing::HasSubstr(word));
    }
    const auto list = List(user, 0);
    for (const auto& memory : list->memories()) {
      EXPECT_THAT(memory.text(), testing::HasSubstr(word));
    }
  }
}

TEST_F(CoreTest, ListsInPagesWhoseTokensBelongToTheUser) {
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Seconds(1));
    ASSERT_TRUE(Create(U1(), Creation(absl::StrCat(i))).ok());
  }

  const auto first = List(U1(), 2);
  const auto second = List(U1(), 2, first->next_page_token());
  const auto third = List(U1(), 2, second->next_page_token());

  EXPECT_EQ(first->memories(0).text() + first->memories(1).text(), "43");
  EXPECT_EQ(second->memories(0).text() + second->memories(1).text(), "21");
  ASSERT_THAT(third->memories(), SizeIs(1));
  EXPECT_EQ(third->next_page_token(), "");
  EXPECT_EQ(MetadataOf(List(U11(), 2, first->next_page_token()).status(), "field"), "page_token");
  EXPECT_EQ(ReasonOf(List(U1(), 2, "nonsense").status()), "FIELD_INVALID");
}

TEST_F(CoreTest, RefusesWhatIsMalformed) {
  const auto field = [](const absl::Status& status) {
    return status.ok() ? "" : MetadataOf(status, "field");
  };
  auto too_many = Question("x");
  too_many.set_max_memories(16);
  auto no_session = Question("x");
  no_session.set_exclude_session("here");
  auto expired = Creation("x");
  *expired.mutable_memory()->mutable_expire_time() = ToProto(clock_.Now());
  auto labels = Creation("x");
  for (int i = 0; i < 17; ++i) (*labels.mutable_memory()->mutable_labels())[absl::StrCat(i)] = "";
  auto turn = Turn("s", "t", "x");
  turn.set_turn("turns/t");
  memory::v1::SearchMemoriesRequest search;

  EXPECT_EQ(field(threads_.Await(core_.Recall(U1(), too_many)).status()), "max_memories");
  EXPECT_EQ(field(threads_.Await(core_.Recall(U1(), no_session)).status()), "exclude_session");
  EXPECT_EQ(field(threads_.Await(core_.Ingest(U1(), turn)).status()), "turn");
  EXPECT_EQ(field(threads_.Await(core_.Search(U1(), search)).status()), "query");
  EXPECT_EQ(field(Create(U1(), Creation("")).status()), "memory.text");
  EXPECT_EQ(field(Create(U1(), Creation(std::string(65, 'x'))).status()), "memory.text");
  EXPECT_EQ(field(Create(U1(), Creation("x", "\n")).status()), "request_id");
  EXPECT_EQ(field(Create(U1(), expired).status()), "memory.expire_time");
  EXPECT_EQ(field(Create(U1(), labels).status()), "memory.labels");
  EXPECT_EQ(field(List(U1(), 1001).status()), "page_size");
  EXPECT_EQ(field(Get(U1(), "cats").status()), "name");
}

class FakeEmbedder : public Embedder {
 public:
  Awaitable<absl::StatusOr<std::vector<float>>> Embed(std::string text) override {
    if (text == "broken") co_return absl::UnavailableError("no model");
    co_return std::vector<float>{static_cast<float>(text.size())};
  }
};

// Ranks by embeddings alone.
class EmbeddingRanker : public Ranker {
 public:
  std::vector<RankedMemory> Rank(const UserBlock& block, const RankQuery& query) const override {
    std::vector<RankedMemory> ranked;
    for (const auto& memory : block.memories()) {
      if (memory.embedding == query.embedding) ranked.push_back({memory.id, 1});
    }
    return ranked;
  }
};

TEST_F(CoreTest, GivesARankerTheEmbeddingsOfMemoriesAndQuery) {
  FakeEmbedder embedder;
  EmbeddingRanker ranker;
  MemoryRecallCore core(store_, ranker, &embedder, clock_, settings_, metrics_);
  ASSERT_TRUE(threads_.Await(core.Create(U1(), Creation("cats"))).ok());
  ASSERT_TRUE(threads_.Await(core.Create(U1(), Creation("hamsters"))).ok());

  const auto found = threads_.Await(core.Recall(U1(), Question("dogs")));
  const auto degraded = threads_.Await(core.Recall(U1(), Question("broken")));

  ASSERT_THAT(found->memories(), SizeIs(1));
  EXPECT_EQ(found->memories(0).memory().text(), "cats");
  EXPECT_TRUE(degraded.ok());
}

}  // namespace
}  // namespace penstock::memory_recall
