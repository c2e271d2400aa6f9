#include "services/gateway/public_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"

namespace penstock::gateway {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using testing::Not;

const obs::TraceContext kTrace{"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true};

absl::Status Shown(const absl::Status& status) {
  return PublicStatus(status, "dispatcher", kTrace);
}

TEST(PublicStatus, RefusalsOfTheTableGoThroughAsTheyAre) {
  const absl::Status full = Refusal(StatusCode::kResourceExhausted, "QUEUE_FULL", "full")
                                .With("limit", "5")
                                .RetryAfter(absl::Seconds(3));

  EXPECT_EQ(Shown(full), full);
  EXPECT_EQ(Shown(absl::OkStatus()), absl::OkStatus());
}

TEST(PublicStatus, WhatServicesTellEachOtherIsInternal) {
  for (const absl::Status& status : std::vector<absl::Status>{
           Refusal(StatusCode::kUnauthenticated, "GRANT_EXPIRED", "grant: secret detail"),
           Refusal(StatusCode::kUnauthenticated, "TOKEN_MALFORMED", "secret detail"),
           Refusal(StatusCode::kFailedPrecondition, "FENCED", "secret detail"),
           absl::DataLossError("secret detail"), absl::InternalError("secret detail"),
           absl::UnimplementedError("secret detail")}) {
    const absl::Status shown = Shown(status);

    EXPECT_EQ(shown.code(), StatusCode::kInternal);
    EXPECT_EQ(ReasonOf(shown), "");
    EXPECT_THAT(shown.message(), HasSubstr(kTrace.trace_id));
    EXPECT_THAT(shown.message(), Not(HasSubstr("secret detail")));
  }
}

TEST(PublicStatus, ServiceThatCannotBeReachedIsUnavailableWithAReason) {
  for (const absl::Status& status : std::vector<absl::Status>{
           absl::UnavailableError("failed to connect to all addresses"),
           absl::CancelledError("the peer stopped"), absl::UnknownError("Stream removed"),
           absl::InternalError("Received RST_STREAM with error code 2"),
           absl::DeadlineExceededError("Deadline Exceeded"),
           Refusal(StatusCode::kResourceExhausted, "STORE_BUSY", "busy")}) {
    const absl::Status shown = Shown(status);

    EXPECT_EQ(shown.code(), StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(shown), "STORE_UNAVAILABLE");
    EXPECT_TRUE(RetryAfterOf(shown).has_value());
    EXPECT_THAT(shown.message(), HasSubstr("dispatcher"));
    EXPECT_THAT(shown.message(), HasSubstr("request_id"));
  }
}

TEST(PublicStatus, OnlyACallWithoutAnAnswerIsBroken) {
  EXPECT_TRUE(IsBroken(absl::UnavailableError("Socket closed")));
  EXPECT_FALSE(IsBroken(Refusal(StatusCode::kUnavailable, "DRAINING", "stopping")));
  EXPECT_TRUE(IsForSuccessor(Refusal(StatusCode::kUnavailable, "DRAINING", "stopping")));
  EXPECT_FALSE(IsForSuccessor(Refusal(StatusCode::kUnavailable, "STORE_BUSY", "busy")));
  EXPECT_FALSE(IsBroken(absl::InternalError("a fault")));
  EXPECT_FALSE(IsBroken(absl::OkStatus()));
}

}  // namespace
}  // namespace penstock::gateway
