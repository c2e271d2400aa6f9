#include "libs/base/refusal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(Refusal, CarriesReasonMetadataAndRetryDelay) {
  const absl::Status status =
      Refusal(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "pool sim/echo: 10 turns wait")
          .With("limit", "10")
          .RetryAfter(absl::Milliseconds(1500));

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(MetadataOf(status, "limit"), "10");
  EXPECT_EQ(RetryAfterOf(status), absl::Milliseconds(1500));
}

TEST(Refusal, NamesFieldFoundAndAllowed) {
  const absl::Status status = FieldInvalid("turn.labels", "17 entries", "at most 16");

  EXPECT_EQ(status.message(), "turn.labels: found 17 entries, allowed at most 16");
  EXPECT_EQ(ReasonOf(status), "FIELD_INVALID");
  EXPECT_EQ(MetadataOf(status, "field"), "turn.labels");
}

TEST(Refusal, SurvivesTheWireUnchanged) {
  const absl::Status status = FieldInvalid("page_size", "-1", "0 to 1000");

  EXPECT_EQ(FromRpcStatus(ToRpcStatus(status)), status);
}

TEST(Refusal, TellsAnEndUserInEnglishAlsoOverTheWire) {
  const absl::Status status =
      Refusal(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "pool sim/echo: 10 turns wait")
          .With("limit", "10")
          .RetryAfter(absl::Seconds(30))
          .Say("High demand, about 30 seconds.");

  const google::rpc::Status sent = ToRpcStatus(status);
  google::rpc::LocalizedMessage said;
  for (const auto& detail : sent.details()) detail.UnpackTo(&said);

  EXPECT_EQ(said.locale(), "en");
  EXPECT_EQ(said.message(), "High demand, about 30 seconds.");
  EXPECT_EQ(FromRpcStatus(sent), status);
  EXPECT_EQ(SaidBy(FromRpcStatus(sent)), "High demand, about 30 seconds.");
  EXPECT_EQ(MetadataOf(FromRpcStatus(sent), "limit"), "10");
}

TEST(Refusal, PlainStatusHasNoReason) {
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), "");
  EXPECT_EQ(RetryAfterOf(absl::InternalError("x")), std::nullopt);
  EXPECT_EQ(SaidBy(absl::InternalError("x")), "");
}

}  // namespace
}  // namespace penstock
