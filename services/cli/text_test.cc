// The small texts: refusals, money, durations, sheets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "services/cli/money.h"
#include "services/cli/output.h"
#include "services/cli/refusal_text.h"
#include "services/cli/turn_text.h"
#include "services/cli/utf8.h"

namespace penstock::cli {
namespace {

using testing::HasSubstr;

TEST(RefusalText, SaysWhatIsWrongAndWhatToDo) {
  const absl::Status status =
      Refusal(absl::StatusCode::kNotFound, "SESSION_NOT_FOUND", "sessions/s1: not found");

  EXPECT_EQ(RefusalText(status, "a:1"),
            "penstock: sessions/s1: not found (SESSION_NOT_FOUND)\n"
            "what to do: `penstock session list` shows the sessions there are; "
            "`penstock session create ID` makes one\n");
}

TEST(RefusalText, SaysWhenToTryAgain) {
  const absl::Status status =
      Refusal(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "the queue is full")
          .RetryAfter(absl::Seconds(2));

  EXPECT_EQ(RefusalText(status, "a:1"),
            "penstock: the queue is full (QUEUE_FULL)\ntry again in 2 s\n");
}

TEST(RefusalText, BeginsWithTheWordsForEndUsers) {
  const absl::Status status =
      Refusal(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "pool sim/echo: 90 turns wait")
          .RetryAfter(absl::Seconds(30))
          .Say("High demand, about 30 seconds. Please try again then.");

  EXPECT_EQ(RefusalText(status, "a:1"),
            "penstock: High demand, about 30 seconds. Please try again then. (QUEUE_FULL)\n"
            "why: pool sim/echo: 90 turns wait\n"
            "try again in 30 s\n");
}

TEST(RefusalText, SaysHowToGetAToken) {
  const absl::Status missing =
      Refusal(absl::StatusCode::kUnauthenticated, "TOKEN_MISSING", "no metadata authorization");
  const absl::Status scope =
      Refusal(absl::StatusCode::kPermissionDenied, "SCOPE_MISSING", "needs turns.action")
          .With("scope", "turns.action");

  EXPECT_THAT(RefusalText(missing, "a:1"), HasSubstr("`penstock token mint --config FILE"));
  EXPECT_THAT(RefusalText(scope, "a:1"), HasSubstr("penstock token mint ... --scope turns.action"));
}

TEST(RefusalText, NamesBothPlacesOfAProvidersKey) {
  const absl::Status status =
      Refusal(absl::StatusCode::kInternal, "PROVIDER_AUTH", "provider sim: HTTP 401");

  EXPECT_THAT(RefusalText(status, "a:1"), HasSubstr("(api_key_env or api_key_file)"));
}

TEST(RefusalText, AsksWhetherTheGatewayRuns) {
  const absl::Status status = absl::UnavailableError(
      "connections to all backends failing; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to "
      "connect to remote host: Connection refused");

  EXPECT_EQ(RefusalText(status, "127.0.0.1:1"),
            "penstock: ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused "
            "(UNAVAILABLE)\nwhat to do: is the gateway running at 127.0.0.1:1? --address or "
            "PENSTOCK_ADDRESS names another; one with mutual TLS needs --tls-ca, --tls-cert and "
            "--tls-key\n");
}

TEST(RefusalText, AnUnknownReasonStandsAlone) {
  const absl::Status status = Refusal(absl::StatusCode::kInternal, "NEW_REASON", "odd");

  EXPECT_EQ(RefusalText(status, "a:1", "the turn failed"),
            "penstock: the turn failed: odd (NEW_REASON)\n");
}

TEST(DurationText, IsShortAndRounded) {
  EXPECT_EQ(DurationText(0.35), "350 ms");
  EXPECT_EQ(DurationText(0.9999), "1 s");
  EXPECT_EQ(DurationText(1.23), "1.2 s");
  EXPECT_EQ(DurationText(2), "2 s");
  EXPECT_EQ(DurationText(45.4), "45 s");
  EXPECT_EQ(DurationText(180), "3 min");
  EXPECT_EQ(DurationText(7200), "2 h");
}

TEST(FormatUsd, IsExact) {
  EXPECT_EQ(FormatUsd(0), "$0.00");
  EXPECT_EQ(FormatUsd(1), "$0.000000001");
  EXPECT_EQ(FormatUsd(21'500), "$0.0000215");
  EXPECT_EQ(FormatUsd(1'500'000'000), "$1.50");
  EXPECT_EQ(FormatUsd(12'345'000'000), "$12.345");
  EXPECT_EQ(FormatUsd(-5'000'000), "-$0.005");
  EXPECT_EQ(FormatUsd(std::numeric_limits<int64_t>::min()), "-$9223372036.854775808");
}

TEST(OneLine, FoldsWhiteSpaceAndCutsBetweenCharacters) {
  EXPECT_EQ(OneLine("  a\n\n b\tc ", 60), "a b c");
  EXPECT_EQ(OneLine("äöü", 3), "äöü");
  EXPECT_EQ(OneLine("äöüß", 3), "äöü…");
}

TEST(Sheet, AlignsValuesAndLeavesOutEmptyOnes) {
  EXPECT_EQ(Sheet({{"name", "s1"}, {"a long key left out", ""}, {"output", "one\ntwo"}}),
            "name:   s1\noutput: one\n        two\n");
}

TEST(SummaryOf, LeavesOutWhatIsUnknownAndMarksWhatIsEstimated) {
  chat::v1::Turn turn;
  EXPECT_EQ(SummaryOf(turn), "");

  turn.mutable_usage()->set_output_tokens(3);
  turn.mutable_usage()->set_estimated(true);
  turn.set_run(2);
  turn.set_recall_degraded(true);
  EXPECT_EQ(SummaryOf(turn), "3 tokens out (about) · memories were out of reach · started 2 times");
}

TEST(IsUtf8, TakesWellFormedTextAlone) {
  for (const char* good : {"", "a", "ä", "日本", "😀", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xff", "a\xe4", "\xe2\x82g"}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
}

}  // namespace
}  // namespace penstock::cli
