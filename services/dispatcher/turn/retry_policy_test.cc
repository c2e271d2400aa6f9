#include "services/dispatcher/turn/retry_policy.h"

#include <gtest/gtest.h>

#include "libs/base/proto_time.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::ErrorKind;

provider::v1::GenerateFailed Failed(ErrorKind kind) {
  provider::v1::GenerateFailed failed;
  failed.set_kind(kind);
  return failed;
}

TEST(DelayBeforeRetry, AtMostThreeAttemptsATurn) {
  for (const ErrorKind kind :
       {chat::v1::PROVIDER_OVERLOADED, chat::v1::PROVIDER_INTERNAL, chat::v1::PROVIDER_TIMEOUT,
        chat::v1::PROVIDER_UNREACHABLE, chat::v1::STREAM_TRUNCATED}) {
    EXPECT_TRUE(DelayBeforeRetry(Failed(kind), {.attempts = 2}, 3, 0)) << kind;
    EXPECT_FALSE(DelayBeforeRetry(Failed(kind), {.attempts = 3}, 3, 0)) << kind;
  }
}

TEST(DelayBeforeRetry, AMalformedAnswerIsTriedOnceMoreAndARefusalNever) {
  const auto malformed = Failed(chat::v1::MALFORMED_RESPONSE);

  EXPECT_TRUE(DelayBeforeRetry(malformed, {.attempts = 1, .malformed = 1}, 3, 0));
  EXPECT_FALSE(DelayBeforeRetry(malformed, {.attempts = 2, .malformed = 2}, 3, 0));
  EXPECT_FALSE(DelayBeforeRetry(Failed(chat::v1::CONTEXT_WINDOW), {.attempts = 1}, 3, 0));
}

TEST(DelayBeforeRetry, FollowsTheHintElseDoublesUpToEightSeconds) {
  auto hinted = Failed(chat::v1::PROVIDER_OVERLOADED);
  *hinted.mutable_retry_after() = ToProto(absl::Seconds(3));
  const auto plain = Failed(chat::v1::PROVIDER_OVERLOADED);

  EXPECT_EQ(DelayBeforeRetry(hinted, {.attempts = 1}, 100, 0), absl::Seconds(3));
  EXPECT_EQ(DelayBeforeRetry(plain, {.attempts = 1}, 100, 0), absl::Milliseconds(500));
  EXPECT_EQ(DelayBeforeRetry(plain, {.attempts = 2}, 100, 0), absl::Seconds(1));
  EXPECT_EQ(DelayBeforeRetry(plain, {.attempts = 50}, 100, 0), absl::Seconds(8));
  EXPECT_EQ(DelayBeforeRetry(plain, {.attempts = 50}, 100, 1), absl::Seconds(6));
}

}  // namespace
}  // namespace penstock::dispatcher
