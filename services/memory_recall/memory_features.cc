#include "services/memory_recall/memory_features.h"

#include <map>
#include <utility>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "services/memory_recall/words.h"

namespace penstock::memory_recall {
namespace {

struct Counts {
  uint32_t spoken = 0;
  uint32_t answer = 0;
};

// The id of the session in the name of a turn; "" when there is no turn.
std::string SessionOf(absl::string_view turn_name) {
  auto ids = ParseTurnName(turn_name, "source_turn");
  return ids.ok() ? std::move(ids->session) : std::string();
}

}  // namespace

memory::v1::RankingRecord RankingRecordOf(const memory::v1::MemoryRecord& record) {
  std::map<uint64_t, Counts> counts;
  for (const auto& word : SplitIntoWords(record.memory().text(), WordsOf::kMemory)) {
    ++counts[HashOfWord(word)].spoken;
  }
  for (const auto& word : SplitIntoWords(record.answer(), WordsOf::kMemory)) {
    ++counts[HashOfWord(word)].answer;
  }
  memory::v1::RankingRecord ranking;
  ranking.set_words_version(kWordsVersion);
  *ranking.mutable_create_time() = record.memory().create_time();
  if (record.memory().has_expire_time()) {
    *ranking.mutable_expire_time() = record.memory().expire_time();
  }
  ranking.set_session(SessionOf(record.memory().source_turn()));
  ranking.set_text_bytes(static_cast<uint32_t>(record.memory().text().size()));
  for (const auto& [word, count] : counts) {
    ranking.add_words(word);
    ranking.add_spoken(count.spoken);
    ranking.add_answer(count.answer);
  }
  return ranking;
}

bool IsCurrent(const memory::v1::RankingRecord& record) {
  return record.words_version() == kWordsVersion && record.spoken_size() == record.words_size() &&
         record.answer_size() == record.words_size();
}

MemoryFeatures FeaturesOf(std::string id, const memory::v1::RankingRecord& record) {
  MemoryFeatures features{.id = std::move(id),
                          .create_time = FromProto(record.create_time()),
                          .expire_time = record.has_expire_time() ? FromProto(record.expire_time())
                                                                  : absl::InfiniteFuture(),
                          .session = record.session(),
                          .text_bytes = record.text_bytes(),
                          .words = {},
                          .embedding = {record.embedding().begin(), record.embedding().end()}};
  features.words.reserve(static_cast<size_t>(record.words_size()));
  for (int i = 0; i < record.words_size(); ++i) {
    features.words.push_back({record.words(i), record.spoken(i), record.answer(i)});
  }
  return features;
}

}  // namespace penstock::memory_recall
