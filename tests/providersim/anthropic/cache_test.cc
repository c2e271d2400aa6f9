// The prompt cache as a client sees it, over sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/simulator_fixture.h"

namespace penstock::providersim {
namespace {

using testing::HasSubstr;

class AnthropicCacheTest : public ProvidersimTest {
 protected:
  // 100 tokens of `system`, marked, and `said`.
  static std::string Prompt(absl::string_view said, absl::string_view mark = R"("ttl":"5m",)") {
    return absl::StrCat(R"({"model":"sim","max_tokens":64,"system":[{"type":"text","text":")",
                        std::string(388, 'x'), R"(","cache_control":{)", mark,
                        R"("type":"ephemeral"}}],"messages":[{"role":"user","content":")", said,
                        R"("}]})");
  }
};

TEST_F(AnthropicCacheTest, IsWrittenFirstAndReadThenAndInputIsWhatIsLeft) {
  Start({.cache_min_tokens = 50});

  const std::string first = Messages(Prompt("hi"));
  const std::string second = Messages(Prompt("hello"));

  EXPECT_THAT(first, HasSubstr(R"("input_tokens":4,"cache_creation_input_tokens":100,)"
                               R"("cache_read_input_tokens":0,)"
                               R"("cache_creation":{"ephemeral_5m_input_tokens":100,)"));
  EXPECT_THAT(second, HasSubstr(R"("input_tokens":5,"cache_creation_input_tokens":0,)"
                                R"("cache_read_input_tokens":100,)"));
}

TEST_F(AnthropicCacheTest, IsOfAnHourWhenTheMarkSaysSo) {
  Start({.cache_min_tokens = 50});

  EXPECT_THAT(Messages(Prompt("hi", R"("ttl":"1h",)")),
              HasSubstr(R"("ephemeral_1h_input_tokens":100})"));
  clock_.Advance(absl::Minutes(59));
  EXPECT_THAT(Messages(Prompt("hi", R"("ttl":"1h",)")),
              HasSubstr(R"("cache_read_input_tokens":100)"));
}

TEST_F(AnthropicCacheTest, OfAConversationGrowsWithIt) {
  Start({.cache_min_tokens = 0});
  const auto body = [](absl::string_view messages) {
    return absl::StrCat(R"({"model":"sim","max_tokens":64,"cache_control":{"type":"ephemeral"},)",
                        R"("messages":[)", messages, "]}");
  };
  constexpr absl::string_view kBegin = R"({"role":"user","content":"My dog is called Rex."})";

  const std::string first = Messages(body(kBegin));
  const std::string second = Messages(body(absl::StrCat(
      kBegin, R"(,{"role":"assistant","content":"Noted."},{"role":"user","content":"hi"})")));

  EXPECT_THAT(first, HasSubstr(R"("input_tokens":0,"cache_creation_input_tokens":9,)"));
  EXPECT_THAT(second, HasSubstr(R"("input_tokens":0,"cache_creation_input_tokens":9,)"
                                R"("cache_read_input_tokens":9,)"));
}

TEST_F(AnthropicCacheTest, IsSilentlyNotUsedForAShortPrompt) {
  Start({});

  Messages(Prompt("hi"));
  EXPECT_THAT(Messages(Prompt("hi")),
              HasSubstr(R"("input_tokens":104,"cache_creation_input_tokens":0,)"
                        R"("cache_read_input_tokens":0,)"));
}

TEST_F(AnthropicCacheTest, IsNotChargedToTheLimits) {
  Start({.limits = {.input_tokens = 1000}, .cache_min_tokens = 50});

  Messages(Prompt("hi"));
  Messages(Prompt("hi"));

  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"), HasSubstr(R"("input_tokens":108,)"));
}

TEST_F(AnthropicCacheTest, IsWhatADirectiveSays) {
  Start({});

  EXPECT_THAT(Messages(MessagesBody("/sim cached 6\n/sim tokens 1", "")),
              HasSubstr(R"("cache_read_input_tokens":6,)"));
}

}  // namespace
}  // namespace penstock::providersim
