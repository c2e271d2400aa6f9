#include "libs/tokens/raw_tokens.h"

#include <string>

#include <gtest/gtest.h>

namespace penstock {
namespace {

using chat::v1::Message;

TEST(RawTokens, AreBytesByFourTimesOnePointTwoRoundedUp) {
  EXPECT_EQ(RawTokens(size_t{0}), 0);
  EXPECT_EQ(RawTokens(size_t{1}), 1);
  EXPECT_EQ(RawTokens(size_t{10}), 3);
  EXPECT_EQ(RawTokens(size_t{11}), 4);
}

TEST(RawTokens, OfPartsAreRoundedOnce) {
  Message message;
  for (int i = 0; i < 10; ++i) message.add_parts()->mutable_text()->set_text("a");

  EXPECT_EQ(RawTokens(message.parts()), 3);
}

TEST(RawTokens, CountEveryPartThatIsSentAsItsBytes) {
  const std::string ten(10, 'x');
  Message message;
  message.add_parts()->mutable_text()->set_text(ten);
  message.add_parts()->mutable_refusal()->set_text(ten);
  message.add_parts()->mutable_tool_call()->set_name("12345");
  message.mutable_parts(2)->mutable_tool_call()->set_arguments("12345");
  message.add_parts()->mutable_tool_result()->set_content(ten);
  message.add_parts()->mutable_opaque()->set_data(ten);
  message.add_parts()->mutable_reasoning()->mutable_state()->set_data(ten);

  EXPECT_EQ(RawTokens(message.parts()), 6 * 3);
}

TEST(RawTokens, OfAnImageDoNotDependOnItsBytes) {
  Message message;
  message.add_parts()->mutable_image()->set_data(std::string(1 << 20, 'x'));
  message.add_parts()->mutable_image()->set_url("https://a.example/b.png");

  EXPECT_EQ(RawTokens(message.parts()), 2 * kImageTokens);
}

TEST(RawTokens, LeaveOutReasoningThatIsNotSentBack) {
  Message message;
  message.add_parts()->mutable_reasoning()->set_text(std::string(1000, 'x'));

  EXPECT_EQ(RawTokens(message.parts()), 0);
}

}  // namespace
}  // namespace penstock
