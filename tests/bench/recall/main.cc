// What a recall costs; README.md says what is measured.
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "libs/async/inline_executor.h"
#include "libs/base/clock.h"
#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "services/memory_recall/bm25_ranker.h"
#include "services/memory_recall/memory_recall_core.h"
#include "services/memory_recall/memory_store_rocksdb.h"
#include "services/memory_recall/words.h"

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

constexpr int kVocabulary = 5000;

// Texts of made-up words; the i-th is drawn about i^-1 as often as the first (Zipf).
class Texts {
 public:
  std::string Of(int words) {
    std::string text;
    for (int i = 0; i < words; ++i) absl::StrAppend(&text, Word(), " ");
    return text;
  }

 private:
  std::string Word() {
    const double place = std::pow(kVocabulary, uniform_(random_));
    std::string word = "w";
    for (int rest = static_cast<int>(place); rest > 0; rest /= 21) {
      word.push_back(static_cast<char>('b' + rest % 21));
    }
    return word;
  }

  std::mt19937 random_{7};
  std::uniform_real_distribution<double> uniform_{0, 1};
};

memory::v1::IngestRequest Turn(Texts& texts, int number) {
  memory::v1::IngestRequest request;
  request.set_turn(absl::StrCat("sessions/s", number / 20, "/turns/t", number));
  request.add_input()->mutable_text()->set_text(texts.Of(20));
  auto* answer = request.add_output();
  answer->set_role(chat::v1::ASSISTANT);
  answer->add_parts()->mutable_text()->set_text(texts.Of(40));
  return request;
}

memory::v1::RecallRequest Question(Texts& texts) {
  memory::v1::RecallRequest request;
  request.add_input()->mutable_text()->set_text(texts.Of(8));
  return request;
}

// A core with its store; coroutines run on the thread that asks.
class Recaller {
 public:
  explicit Recaller(size_t cache_bytes) {
    auto opened = rocks::Database::Open(
        folder_.path(), {.column_families = MemoryColumnFamilies(), .sync = false}, reads_);
    if (!opened.ok()) std::abort();
    database_ = *std::move(opened);
    committer_ = std::make_unique<rocks::Committer>(*database_, metrics_,
                                                    rocks::CommitterOptions{.store = "memory"});
    store_ = std::make_unique<RocksMemoryStore>(*database_, *committer_);
    core_ = std::make_unique<MemoryRecallCore>(
        *store_, ranker_, nullptr, SystemClock(),
        RecallSettings{.max_memories_per_user = 1 << 20, .cache_bytes = cache_bytes}, metrics_);
  }

  void Remember(const memory::v1::IngestRequest& request) {
    if (!Await(core_->Ingest(user_, request)).ok()) std::abort();
  }
  int Recall(const memory::v1::RecallRequest& request) {
    const auto response = Await(core_->Recall(user_, request));
    if (!response.ok()) std::abort();
    return response->memories_size();
  }
  UserBlock Block() { return *Await(store_->LoadBlock(user_)); }

 private:
  template <class T>
  T Await(Awaitable<T> coroutine) {
    std::optional<T> result;
    Spawn(InlineExecutor(io_), Keep(std::move(coroutine), result));
    while (!result) io_.run_one();
    return *std::move(result);
  }
  template <class T>
  static Awaitable<void> Keep(Awaitable<T> coroutine, std::optional<T>& result) {
    result = co_await std::move(coroutine);
  }

  boost::asio::io_context io_;
  const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  rocks::TemporaryFolder folder_;
  BoundedExecutor reads_{2, 64};
  obs::Metrics metrics_;
  std::unique_ptr<rocks::Database> database_;
  std::unique_ptr<rocks::Committer> committer_;
  std::unique_ptr<RocksMemoryStore> store_;
  Bm25Ranker ranker_{{}};
  std::unique_ptr<MemoryRecallCore> core_;
  identity::UserKey user_ = identity::UserKeyForTest("tenant", "user");
};

// Remembers as many turns as the benchmark's argument says.
void Fill(Recaller& recaller, Texts& texts, const benchmark::State& state) {
  for (int i = 0; i < state.range(0); ++i) recaller.Remember(Turn(texts, i));
}

void Recall(benchmark::State& state, size_t cache_bytes) {
  Texts texts;
  Recaller recaller(cache_bytes);
  Fill(recaller, texts, state);
  std::vector<memory::v1::RecallRequest> questions;
  for (int i = 0; i < 64; ++i) questions.push_back(Question(texts));
  recaller.Recall(questions[0]);
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(recaller.Recall(questions[next++ % questions.size()]));
  }
}

void RecallHot(benchmark::State& state) { Recall(state, size_t{1} << 30); }
void RecallCold(benchmark::State& state) { Recall(state, 0); }

void Rank(benchmark::State& state) {
  Texts texts;
  Recaller recaller(0);
  Fill(recaller, texts, state);
  const UserBlock block = recaller.Block();
  const Bm25Ranker ranker({});
  RankQuery query{.now = absl::Now()};
  for (const auto& word : SplitIntoWords(texts.Of(8), WordsOf::kQuery)) {
    query.words.push_back(HashOfWord(word));
  }
  for (auto _ : state) benchmark::DoNotOptimize(ranker.Rank(block, query));
  state.counters["block_bytes"] = static_cast<double>(block.bytes());
}

void Remember(benchmark::State& state) {
  Texts texts;
  Recaller recaller(size_t{1} << 30);
  Fill(recaller, texts, state);
  recaller.Recall(Question(texts));
  int turn = 1 << 20;
  for (auto _ : state) {
    state.PauseTiming();
    const auto request = Turn(texts, turn++);
    state.ResumeTiming();
    recaller.Remember(request);
  }
}

void Words(benchmark::State& state, const std::string& sentence) {
  std::string text;
  while (text.size() < 200) absl::StrAppend(&text, sentence, " ");
  for (auto _ : state) benchmark::DoNotOptimize(SplitIntoWords(text, WordsOf::kQuery));
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) *
                          static_cast<int64_t>(state.iterations()));
}

BENCHMARK(RecallHot)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(RecallCold)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(Rank)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(Remember)->Arg(100)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Words, english, "What did the two dogs of my sister eat yesterday?");
BENCHMARK_CAPTURE(Words, german, "Was haben die zwei Hunde meiner Schwester getrunken, früh?");
BENCHMARK_CAPTURE(Words, chinese, "我妹妹的两只狗昨天吃了什么？");

}  // namespace
}  // namespace penstock::memory_recall

BENCHMARK_MAIN();
