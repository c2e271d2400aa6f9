#include "services/gateway/submission.h"

#include <gtest/gtest.h>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"

namespace penstock::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Submission Make(absl::string_view user, std::string session, std::string request_id) {
  const Caller caller{identity::PrincipalForTest("t", user), absl::InfiniteFuture(), {}, {}};
  return MakeSubmission(caller, std::move(session), std::move(request_id), {},
                        kNow + absl::Seconds(5), kNow)
      .value();
}

TEST(Submission, KeepsWhatTheCallerGave) {
  const Submission made = Make("u", "sessions/s1", "r1");

  EXPECT_EQ(made.request.session(), "sessions/s1");
  EXPECT_EQ(made.request.request_id(), "r1");
  EXPECT_FALSE(made.request.turn().create_session());
  EXPECT_FALSE(made.id_made_here);
  EXPECT_EQ(FromProto(made.request.deadline()), kNow + absl::Seconds(5));
}

TEST(Submission, NewSessionOfARepeatedRequestIsTheSame) {
  const Submission first = Make("u", "", "r1");

  EXPECT_TRUE(ParseSessionName(first.request.session(), "session").ok());
  EXPECT_TRUE(first.request.turn().create_session());
  EXPECT_EQ(Make("u", "", "r1").request.session(), first.request.session());
  EXPECT_NE(Make("u", "", "r2").request.session(), first.request.session());
  EXPECT_NE(Make("v", "", "r1").request.session(), first.request.session());
}

TEST(Submission, WithoutARequestIdEachIsNew) {
  const Submission first = Make("u", "", "");
  const Submission second = Make("u", "", "");

  EXPECT_TRUE(first.id_made_here);
  EXPECT_NE(first.request.request_id(), second.request.request_id());
  EXPECT_NE(first.request.session(), second.request.session());
}

TEST(Submission, DeadlineInThePastIsRefused) {
  const Caller caller{identity::PrincipalForTest("t", "u"), absl::InfiniteFuture(), {}, {}};

  const auto made = MakeSubmission(caller, "sessions/s1", "r1", {}, kNow, kNow);

  EXPECT_EQ(made.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(made.status()), "DEADLINE_IN_PAST");
}

}  // namespace
}  // namespace penstock::gateway
