// What was thought comes back as it was, or the request is refused.
#include "tests/providersim/anthropic/thoughts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/anthropic/format.h"
#include "tests/providersim/reply.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::providersim::anthropic {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr absl::string_view kTools =
    R"("tools":[{"name":"clock","input_schema":{"type":"object"}}])";
constexpr absl::string_view kAsked =
    R"({"role":"user","content":"/sim reasoning\n/sim redacted\n/sim tool clock"})";
constexpr absl::string_view kEnabled = R"("thinking":{"type":"enabled","budget_tokens":1024})";

Reply Plan(absl::string_view messages, absl::string_view more = kTools) {
  return PlanReply(
      absl::StrCat(R"({"model":"m","max_tokens":2048,"messages":[)", messages, "],", more, "}"),
      Options(), false, Format());
}

std::string ErrorOf(const Reply& reply) { return reply.error ? reply.error->message : "none"; }

// The content of the assistant's message, as the format writes it.
std::string ContentOf(const Reply& reply) {
  const std::string body = Format().NewWriter(reply, "1", 0)->Whole();
  const size_t begin = body.find("\"content\":") + 10;
  return body.substr(begin, body.find(",\"stop_reason\"") - begin);
}

std::string Step(absl::string_view content, absl::string_view id) {
  return absl::StrCat(R"({"role":"assistant","content":)", content,
                      R"(},{"role":"user","content":[{"type":"tool_result","tool_use_id":")", id,
                      R"(","content":"12:00"}]})");
}

TEST(Thoughts, AreSignedForTheirTextAndPrompt) {
  const std::string signature = SignatureOf(7, "so");

  EXPECT_TRUE(IsSigned(signature, "so"));
  EXPECT_FALSE(IsSigned(signature, "so!"));
  EXPECT_FALSE(IsSigned("", "so"));
  EXPECT_FALSE(IsSigned("0" + signature.substr(1, 15) + SignatureOf(8, "so").substr(16), "so"));
  EXPECT_TRUE(IsRedacted(RedactedOf(7)));
  EXPECT_FALSE(IsRedacted(signature));
  EXPECT_EQ(ThoughtBefore(CallIdOf(7, true, 1)), signature.substr(0, 16));
  EXPECT_EQ(ThoughtBefore(CallIdOf(7, false, 1)), "");
  EXPECT_EQ(ThoughtBefore("call_of_another"), "");
}

TEST(Thoughts, StandBeforeWhatIsSaidAndCalled) {
  const std::string content = ContentOf(Plan(kAsked));

  EXPECT_THAT(content, StartsWith(R"([{"type":"thinking","thinking":"Let me think about that.",)"));
  EXPECT_THAT(content, HasSubstr(R"(},{"type":"redacted_thinking","data":")"));
  EXPECT_THAT(content, HasSubstr(R"(},{"type":"tool_use","id":"toolu_t)"));
}

TEST(Thoughts, ComeBackUnchangedInAToolLoop) {
  const Reply first = Plan(kAsked);
  const std::string content = ContentOf(first);
  const std::string id = first.calls[0].id;
  const auto error = [&](const std::string& changed) {
    return ErrorOf(Plan(absl::StrCat(kAsked, ",", Step(changed, id))));
  };
  const std::string thinking = content.substr(1, content.find("},") + 1);
  const std::string without = absl::StrReplaceAll(content, {{thinking, ""}});
  const std::string redacted = without.substr(1, without.find("},") + 1);

  EXPECT_EQ(error(content), "none");
  EXPECT_EQ(error(without), "none");
  EXPECT_THAT(error(absl::StrReplaceAll(without, {{redacted, ""}})),
              HasSubstr("the `thinking` block that was returned before `tool_use` toolu_t"));
  EXPECT_EQ(error(absl::StrReplaceAll(content, {{"Let me", "Let us"}})),
            "messages.1.content.0: Invalid `signature` in `thinking` block");
  EXPECT_EQ(error(absl::StrReplaceAll(content, {{"\"data\":\"", "\"data\":\"0"}})),
            "messages.1.content.1: Invalid `data` in `redacted_thinking` block");
}

TEST(Thoughts, OfAnotherStepDoNotStandInForIt) {
  const Reply first = Plan(kAsked);
  const Reply second = Plan(absl::StrCat(
      kAsked, ",",
      R"({"role":"assistant","content":"So."},{"role":"user","content":"/sim reasoning\n/sim tool clock"})"));
  const std::string swapped =
      absl::StrReplaceAll(ContentOf(first), {{first.calls[0].id, second.calls[0].id}});

  EXPECT_THAT(ErrorOf(Plan(absl::StrCat(kAsked, ",", Step(swapped, second.calls[0].id)))),
              HasSubstr("must be passed back"));
}

TEST(Thoughts, OfEarlierTurnsMayBeLeftOut) {
  const Reply first = Plan(kAsked);
  const std::string id = first.calls[0].id;
  const std::string bare =
      absl::StrCat(R"([{"type":"tool_use","id":")", id, R"(","name":"clock","input":{}}])");

  EXPECT_EQ(ErrorOf(Plan(absl::StrCat(kAsked, ",", Step(bare, id),
                                      R"(,{"role":"assistant","content":"12."},)",
                                      R"({"role":"user","content":"Thanks."})"))),
            "none");
}

TEST(Thoughts, AreDemandedOfEveryStepWhenThinkingIsEnabled) {
  const std::string step =
      Step(R"([{"type":"tool_use","id":"call_1","name":"clock","input":{}}])", "call_1");
  const std::string both = absl::StrCat(kTools, ",", kEnabled);

  EXPECT_EQ(ErrorOf(Plan(absl::StrCat(kAsked, ",", step))), "none");
  EXPECT_THAT(ErrorOf(Plan(absl::StrCat(kAsked, ",", step), both)),
              HasSubstr("Expected `thinking` or `redacted_thinking`, but found `tool_use`"));
}

TEST(Thoughts, AreThoughtAsTheRequestSays) {
  const auto content = [](absl::string_view thinking, absl::string_view said = "Hi.") {
    return ContentOf(Plan(absl::StrCat(R"({"role":"user","content":")", said, R"("})"),
                          absl::StrCat(R"("thinking":)", thinking)));
  };

  EXPECT_THAT(content(R"({"type":"enabled","budget_tokens":1024})"), HasSubstr("Let me think"));
  EXPECT_THAT(content(R"({"type":"enabled","budget_tokens":1024,"display":"omitted"})"),
              StartsWith(R"([{"type":"thinking","thinking":"","signature":")"));
  EXPECT_EQ(content(R"({"type":"adaptive"})"), R"([{"type":"text","text":"Noted. Hi."}])");
  EXPECT_THAT(content(R"({"type":"adaptive"})", R"(/sim reasoning)"), HasSubstr("Let me think"));
  EXPECT_EQ(content(R"({"type":"disabled"})", R"(/sim reasoning\nHi.)"),
            R"([{"type":"text","text":"Noted. Hi."}])");
}

TEST(Thoughts, AreRefusedBesideWhatDoesNotGoWithThem) {
  const auto error = [](absl::string_view more) {
    return ErrorOf(Plan(R"({"role":"user","content":"hi"})", more));
  };

  EXPECT_EQ(error(R"("thinking":{"type":"enabled"})"),
            "thinking.enabled.budget_tokens: Field required");
  EXPECT_EQ(error(R"("thinking":{"type":"enabled","budget_tokens":9})"),
            "thinking.budget_tokens: Input should be greater than or equal to 1024");
  EXPECT_EQ(error(R"("thinking":{"type":"enabled","budget_tokens":2048})"),
            "`max_tokens` must be greater than `thinking.budget_tokens`.");
  EXPECT_EQ(error(absl::StrCat(kEnabled, R"(,"temperature":0)")),
            "`temperature` may only be set to 1 when thinking is enabled.");
  EXPECT_EQ(error(absl::StrCat(kEnabled, ",", kTools, R"(,"tool_choice":{"type":"any"})")),
            "Thinking may not be enabled when tool_choice forces tool use.");
}

}  // namespace
}  // namespace penstock::providersim::anthropic
