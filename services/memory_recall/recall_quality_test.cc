// What recall finds, in the words of users: conversations go in, a question is asked, the sentence
// that answers it comes first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/fake_clock.h"
#include "libs/base/proto_time.h"
#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "services/memory_recall/bm25_ranker.h"
#include "services/memory_recall/fake_memory_store.h"
#include "services/memory_recall/memory_recall_core.h"

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class RecallQuality : public testing::Test {
 protected:
  void Turn(absl::string_view session, absl::string_view said, absl::string_view answered = "OK.") {
    clock_.Advance(absl::Minutes(1));
    memory::v1::IngestRequest request;
    request.set_turn(absl::StrCat("sessions/", session, "/turns/t", ++turns_));
    request.add_input()->mutable_text()->set_text(std::string(said));
    auto* output = request.add_output();
    output->set_role(chat::v1::ASSISTANT);
    output->add_parts()->mutable_text()->set_text(std::string(answered));
    *request.mutable_time() = ToProto(clock_.Now());
    const auto response = threads_.Await(core_.Ingest(user_, request));
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_EQ(response->written(), 1);
  }

  std::vector<std::string> Recall(absl::string_view question) {
    memory::v1::RecallRequest request;
    request.add_input()->mutable_text()->set_text(std::string(question));
    const auto response = threads_.Await(core_.Recall(user_, request));
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> texts;
    for (const auto& scored : response->memories()) texts.push_back(scored.memory().text());
    return texts;
  }

  std::string Best(absl::string_view question) {
    const auto found = Recall(question);
    return found.empty() ? "" : found.front();
  }

  FakeClock clock_;
  obs::Metrics metrics_;
  FakeMemoryStore store_;
  Bm25Ranker ranker_{{}};
  MemoryRecallCore core_{store_, ranker_, nullptr, clock_, {}, metrics_};
  identity::UserKey user_ = identity::UserKeyForTest("t", "u");
  rocks::CoroutineThreads threads_{1};
  int turns_ = 0;
};

TEST_F(RecallQuality, FindsPluralAndTenseOfEnglish) {
  Turn("a", "I walked my two dogs along the river.");
  Turn("b", "My sister is studying biology in Leeds.");
  Turn("c", "The car needs new tyres before winter.");

  EXPECT_EQ(Best("How often should a dog be walking?"), "I walked my two dogs along the river.");
  EXPECT_EQ(Best("Which subject did my sister study?"), "My sister is studying biology in Leeds.");
  EXPECT_EQ(Best("tyre pressure"), "The car needs new tyres before winter.");
}

TEST_F(RecallQuality, IsNotMisledByTheWordsOfEveryQuestion) {
  Turn("a", "What is the best way to learn how to do it?");
  Turn("b", "I am allergic to peanuts.");
  Turn("c", "What is my next appointment?");

  EXPECT_THAT(Recall("What is my allergy? What is it that I am allergic to?"),
              ElementsAre("I am allergic to peanuts."));
  EXPECT_THAT(Recall("How are you? What is it?"), IsEmpty());
}

TEST_F(RecallQuality, FindsGermanSentences) {
  Turn("a", "Mein Hund heißt Bruno und ist drei Jahre alt.");
  Turn("b", "Ich wohne seit 2019 in Zürich.");
  Turn("c", "Meine Tochter lernt gerade Geige.");

  EXPECT_EQ(Best("Wie heisst mein Hund?"), "Mein Hund heißt Bruno und ist drei Jahre alt.");
  EXPECT_EQ(Best("Was weißt du über ZÜRICH?"), "Ich wohne seit 2019 in Zürich.");
  EXPECT_EQ(Best("Wo kann die Tochter Geige üben?"), "Meine Tochter lernt gerade Geige.");
}

TEST_F(RecallQuality, FindsFrenchSentences) {
  Turn("a", "J'habite à Lyon avec l'ami de ma sœur.");
  Turn("b", "Je suis allergique aux noix.");
  Turn("c", "L'école commence à huit heures.");

  EXPECT_EQ(Best("À quelle heure commence l’école ?"), "L'école commence à huit heures.");
  EXPECT_EQ(Best("Suis-je allergique à quelque chose ?"), "Je suis allergique aux noix.");
}

TEST_F(RecallQuality, FindsChineseSentences) {
  Turn("a", "我的狗叫旺财，今年三岁了。");
  Turn("b", "我在上海的一家医院工作。");
  Turn("c", "我对花生过敏。");

  EXPECT_EQ(Best("我的狗叫什么名字？"), "我的狗叫旺财，今年三岁了。");
  EXPECT_EQ(Best("你知道我在哪家医院工作吗"), "我在上海的一家医院工作。");
  EXPECT_THAT(Recall("狗"), ElementsAre("我的狗叫旺财，今年三岁了。"));
}

TEST_F(RecallQuality, FindsJapaneseSentences) {
  Turn("a", "うちの犬の名前はポチです。");
  Turn("b", "来週の金曜日に大阪へ出張します。");
  Turn("c", "妹はバイオリンを習っています。");

  EXPECT_EQ(Best("犬の名前を覚えていますか？"), "うちの犬の名前はポチです。");
  EXPECT_EQ(Best("大阪への出張はいつ？"), "来週の金曜日に大阪へ出張します。");
  EXPECT_EQ(Best("ﾊﾞｲｵﾘﾝ教室"), "妹はバイオリンを習っています。");
}

TEST_F(RecallQuality, FindsThaiKoreanAndRussianSentences) {
  Turn("a", "หมาของฉันชื่อดำ");
  Turn("b", "우리 강아지는 세 살이에요.");
  Turn("c", "Мою собаку зовут Шарик.");

  EXPECT_EQ(Best("หมาชื่ออะไร"), "หมาของฉันชื่อดำ");
  EXPECT_EQ(Best("강아지가 몇 살이지?"), "우리 강아지는 세 살이에요.");
  EXPECT_EQ(Best("Как зовут собак?"), "Мою собаку зовут Шарик.");
}

TEST_F(RecallQuality, FindsTheAnswerInTheTurnAfterTheQuestion) {
  Turn("a", "I need a birthday present for my daughter.", "What does she like?");
  Turn("a", "She collects stamps.");
  Turn("a", "Thanks, bye.");
  Turn("b", "The boiler was repaired on Monday.");

  const auto found = Recall("Ideas for my daughter's birthday?");

  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0], "I need a birthday present for my daughter.");
  EXPECT_EQ(found[1], "She collects stamps.");
  EXPECT_THAT(found, Not(Contains("The boiler was repaired on Monday.")));
}

TEST_F(RecallQuality, FindsWhatTheUserSaidByWhatTheAssistantAnswered) {
  Turn("a", "I can't eat anything with gluten.", "So you have coeliac disease, noted.");
  Turn("b", "I bought a bicycle.");

  EXPECT_EQ(Best("recipes for coeliac people"), "I can't eat anything with gluten.");
}

TEST_F(RecallQuality, PrefersTheNewerOfTwoEqualFacts) {
  Turn("a", "My phone number ends in 42.");
  clock_.Advance(absl::Hours(24 * 60));
  Turn("b", "My phone number ends in 77.");

  EXPECT_THAT(Recall("phone number"),
              ElementsAre("My phone number ends in 77.", "My phone number ends in 42."));
}

}  // namespace
}  // namespace penstock::memory_recall
