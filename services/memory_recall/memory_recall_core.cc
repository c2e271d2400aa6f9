#include "services/memory_recall/memory_recall_core.h"

#include <algorithm>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "services/memory_recall/create_body_hash.h"
#include "services/memory_recall/memory_features.h"
#include "services/memory_recall/memory_id.h"
#include "services/memory_recall/memory_refusals.h"
#include "services/memory_recall/page_token.h"
#include "services/memory_recall/text_pieces.h"
#include "services/memory_recall/turn_text.h"
#include "services/memory_recall/validate_request.h"
#include "services/memory_recall/words.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

using memory::v1::MemoryRecord;
using memory::v1::ScoredMemory;

constexpr size_t kQueryHalfBytes = 4 << 10;
constexpr size_t kDefaultPageSize = 50;
constexpr size_t kMaxPageBytes = 2 << 20;
constexpr size_t kDefaultHits = 15;

// A long paste has its question at its start or its end, and a bounded query ranks in bounded time.
std::string QueryTextOf(std::string text) {
  if (text.size() <= 2 * kQueryHalfBytes) return text;
  return absl::StrCat(PrefixOf(text, kQueryHalfBytes), "\n", SuffixOf(text, kQueryHalfBytes));
}

std::vector<uint64_t> QueryWordsOf(absl::string_view text) {
  std::vector<uint64_t> words;
  for (const auto& word : SplitIntoWords(text, WordsOf::kQuery)) words.push_back(HashOfWord(word));
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

struct Joined {
  std::vector<ScoredMemory> scored;
  // Ids of memories that went away since they came into the block.
  std::vector<std::string> gone;
};

// `memories` are those of `ranked` that are there, in its order.
Joined Join(const std::vector<RankedMemory>& ranked, std::vector<chat::v1::Memory> memories) {
  Joined joined;
  auto memory = memories.begin();
  for (const RankedMemory& rank : ranked) {
    if (memory == memories.end() || memory->name() != MemoryName(rank.id)) {
      joined.gone.push_back(rank.id);
      continue;
    }
    ScoredMemory& scored = joined.scored.emplace_back();
    *scored.mutable_memory() = std::move(*memory++);
    scored.set_score(rank.score);
  }
  return joined;
}

std::vector<std::string> IdsOf(const std::vector<RankedMemory>& ranked) {
  std::vector<std::string> ids;
  ids.reserve(ranked.size());
  for (const auto& memory : ranked) ids.push_back(memory.id);
  return ids;
}

// The id in `name` if it can be one of ours.
absl::StatusOr<std::string> MemoryIdOf(absl::string_view name) {
  PENSTOCK_ASSIGN_OR_RETURN(std::string id, ParseMemoryName(name, "name"));
  if (!IsMemoryId(id)) return MemoryNotFound(name);
  return id;
}

std::vector<MemoryFeatures> FeaturesOfAll(const std::vector<NewMemory>& memories) {
  std::vector<MemoryFeatures> features;
  for (const auto& memory : memories) features.push_back(FeaturesOf(memory.id, memory.ranking));
  return features;
}

}  // namespace

MemoryRecallCore::MemoryRecallCore(MemoryStore& store, const Ranker& ranker, Embedder* embedder,
                                   const Clock& clock, const RecallSettings& settings,
                                   obs::Metrics& metrics)
    : store_(store),
      ranker_(ranker),
      embedder_(embedder),
      clock_(clock),
      settings_(settings),
      blocks_(settings.cache_bytes, metrics),
      find_seconds_(metrics.AddHistogram("penstock_memory_recall_find_seconds",
                                         "Time of a recall or search, to its end",
                                         obs::LatencyBuckets())),
      written_(metrics.AddCounter("penstock_memory_recall_written_total",
                                  "Memories written, ingested and created")),
      evicted_(metrics.AddCounter("penstock_memory_recall_evicted_total",
                                  "Oldest ingested memories that gave way to new ones")) {}

Awaitable<absl::StatusOr<memory::v1::RecallResponse>> MemoryRecallCore::Recall(
    identity::UserKey user, const memory::v1::RecallRequest& request) {
  PENSTOCK_CO_RETURN_IF_ERROR(Validate(request));
  RankQuery query{.max_memories = settings_.max_memories, .max_tokens = request.max_tokens()};
  if (request.max_memories() > 0) query.max_memories = static_cast<size_t>(request.max_memories());
  if (!request.exclude_session().empty()) {
    query.exclude_session = *ParseSessionName(request.exclude_session(), "exclude_session");
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      auto found, co_await Find(user, QueryTextOf(TextOf(request.input())), std::move(query)));
  memory::v1::RecallResponse response;
  for (auto& memory : found) *response.add_memories() = std::move(memory);
  co_return response;
}

Awaitable<absl::StatusOr<std::vector<ScoredMemory>>> MemoryRecallCore::Find(identity::UserKey user,
                                                                            std::string text,
                                                                            RankQuery query) {
  const absl::Duration start = clock_.Monotonic();
  query.now = clock_.Now();
  query.words = QueryWordsOf(text);
  query.embedding = co_await Embed(std::move(text));
  std::vector<RankedMemory> ranked;
  if (query.max_memories > 0 && (!query.words.empty() || !query.embedding.empty())) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(const auto block, co_await BlockOf(user));
    block->Read([&](const UserBlock& memories) { ranked = ranker_.Rank(memories, query); });
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto memories, co_await store_.Read(user, IdsOf(ranked), query.now));
  Joined joined = Join(ranked, std::move(memories));
  if (!joined.gone.empty()) blocks_.Changed(user, {}, joined.gone);
  find_seconds_.Observe(absl::ToDoubleSeconds(clock_.Monotonic() - start));
  co_return std::move(joined.scored);
}

Awaitable<absl::StatusOr<std::shared_ptr<SharedBlock>>> MemoryRecallCore::BlockOf(
    identity::UserKey user) {
  if (auto block = blocks_.Find(user)) co_return block;
  const uint64_t load = blocks_.BeginLoad(user);
  PENSTOCK_CO_ASSIGN_OR_RETURN(UserBlock block, co_await store_.LoadBlock(user));
  co_return blocks_.Put(user, load, std::move(block));
}

Awaitable<std::vector<float>> MemoryRecallCore::Embed(std::string text) {
  if (embedder_ == nullptr) co_return std::vector<float>();
  auto embedding = co_await embedder_->Embed(std::move(text));
  co_return embedding.ok() ? *std::move(embedding) : std::vector<float>();
}

Awaitable<NewMemory> MemoryRecallCore::Prepare(MemoryRecord record, absl::Time id_time) {
  NewMemory memory{.id = NewId(id_time), .record = std::move(record)};
  memory.record.mutable_memory()->set_name(MemoryName(memory.id));
  memory.ranking = RankingRecordOf(memory.record);
  const std::vector<float> embedding = co_await Embed(memory.record.memory().text());
  memory.ranking.mutable_embedding()->Add(embedding.begin(), embedding.end());
  co_return memory;
}

Awaitable<std::vector<NewMemory>> MemoryRecallCore::MemoriesOf(
    const memory::v1::IngestRequest& request) {
  const absl::Time time = request.has_time() ? FromProto(request.time()) : clock_.Now();
  const std::string text = TextOf(request.input());
  std::vector<NewMemory> memories;
  if (absl::StripAsciiWhitespace(text).empty()) co_return memories;
  const auto pieces = SplitIntoPieces(text, settings_.max_memory_bytes);
  for (size_t i = 0; i < pieces.size(); ++i) {
    MemoryRecord record;
    record.mutable_memory()->set_text(std::string(pieces[i]));
    record.mutable_memory()->set_source_turn(request.turn());
    *record.mutable_memory()->mutable_create_time() = ToProto(time);
    if (i + 1 == pieces.size()) {
      record.set_answer(
          std::string(PrefixOf(AnswerOf(request.output()), settings_.max_memory_bytes)));
    }
    // A millisecond apart, so that the pieces of a turn sort in their order.
    const auto place = static_cast<int64_t>(i);
    memories.push_back(co_await Prepare(std::move(record), time + absl::Milliseconds(place)));
  }
  co_return memories;
}

Awaitable<absl::StatusOr<memory::v1::IngestResponse>> MemoryRecallCore::Ingest(
    identity::UserKey user, const memory::v1::IngestRequest& request) {
  PENSTOCK_CO_RETURN_IF_ERROR(Validate(request));
  MemoryStore::IngestArgs args{.turn = request.turn(),
                               .memories = co_await MemoriesOf(request),
                               .max_memories = settings_.max_memories_per_user};
  memory::v1::IngestResponse response;
  if (args.memories.empty()) co_return response;
  auto features = FeaturesOfAll(args.memories);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto ingested, co_await store_.Ingest(user, std::move(args)));
  features.resize(ingested.written);
  blocks_.Changed(user, features, ingested.evicted);
  written_.Increment(static_cast<double>(ingested.written));
  evicted_.Increment(static_cast<double>(ingested.evicted.size()));
  response.set_written(static_cast<int32_t>(ingested.written));
  co_return response;
}

Awaitable<absl::StatusOr<chat::v1::Memory>> MemoryRecallCore::Create(
    identity::UserKey user, const memory::v1::CreateMemoryRequest& request) {
  const absl::Time now = clock_.Now();
  PENSTOCK_CO_RETURN_IF_ERROR(
      Validate(request, static_cast<int64_t>(settings_.max_memory_bytes), now));
  MemoryRecord record;
  chat::v1::Memory& memory = *record.mutable_memory();
  memory.set_text(request.memory().text());
  *memory.mutable_labels() = request.memory().labels();
  *memory.mutable_create_time() = ToProto(now);
  if (request.memory().has_expire_time()) {
    *memory.mutable_expire_time() = request.memory().expire_time();
  }
  MemoryStore::CreateArgs args{.memory = co_await Prepare(std::move(record), now),
                               .request_id = request.request_id(),
                               .body_hash = CreateBodyHash(request.memory()),
                               .now = now,
                               .max_memories = settings_.max_memories_per_user};
  std::vector<MemoryFeatures> features;
  features.push_back(FeaturesOf(args.memory.id, args.memory.ranking));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto created, co_await store_.Create(user, std::move(args)));
  if (created.created) {
    blocks_.Changed(user, features, created.evicted);
    written_.Increment();
    evicted_.Increment(static_cast<double>(created.evicted.size()));
  }
  co_return std::move(created.memory);
}

Awaitable<absl::StatusOr<chat::v1::Memory>> MemoryRecallCore::Get(
    identity::UserKey user, const memory::v1::GetMemoryRequest& request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const std::string id, MemoryIdOf(request.name()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto memories, co_await store_.Read(user, {id}, clock_.Now()));
  if (memories.empty()) co_return MemoryNotFound(request.name());
  co_return std::move(memories.front());
}

Awaitable<absl::StatusOr<memory::v1::ListMemoriesResponse>> MemoryRecallCore::List(
    identity::UserKey user, const memory::v1::ListMemoriesRequest& request) {
  PENSTOCK_CO_RETURN_IF_ERROR(Validate(request));
  PENSTOCK_CO_ASSIGN_OR_RETURN(std::string before, ParsePageToken(user, request.page_token()));
  MemoryStore::ListArgs args{.before_id = std::move(before),
                             .page_size = static_cast<size_t>(request.page_size()),
                             .max_bytes = kMaxPageBytes,
                             .now = clock_.Now()};
  if (args.page_size == 0) args.page_size = kDefaultPageSize;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto page, co_await store_.List(user, std::move(args)));
  memory::v1::ListMemoriesResponse response;
  if (page.more) {
    response.set_next_page_token(PageTokenOf(user, *MemoryIdOf(page.memories.back().name())));
  }
  for (auto& memory : page.memories) *response.add_memories() = std::move(memory);
  co_return response;
}

Awaitable<absl::StatusOr<memory::v1::SearchMemoriesResponse>> MemoryRecallCore::Search(
    identity::UserKey user, const memory::v1::SearchMemoriesRequest& request) {
  PENSTOCK_CO_RETURN_IF_ERROR(Validate(request));
  RankQuery query{.max_memories = static_cast<size_t>(request.limit())};
  if (query.max_memories == 0) query.max_memories = kDefaultHits;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto found, co_await Find(user, request.query(), std::move(query)));
  memory::v1::SearchMemoriesResponse response;
  for (auto& memory : found) *response.add_hits() = std::move(memory);
  co_return response;
}

Awaitable<absl::StatusOr<chat::v1::Memory>> MemoryRecallCore::Delete(
    identity::UserKey user, const memory::v1::DeleteMemoryRequest& request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const std::string id, MemoryIdOf(request.name()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto deleted, co_await store_.Delete(user, id, clock_.Now()));
  if (!deleted) co_return MemoryNotFound(request.name());
  blocks_.Changed(user, {}, {id});
  co_return *std::move(deleted);
}

}  // namespace penstock::memory_recall
