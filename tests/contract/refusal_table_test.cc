// How a row is read, made into a request, and compared with an answer.
#include "tests/contract/refusal_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "penstock/gateway/v1/turns.pb.h"
#include "tests/contract/answer_check.h"
#include "tests/contract/request_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::contract {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kYaml[] = R"(
reasons:
  FIELD_INVALID: {code: INVALID_ARGUMENT, metadata: [field, found, allowed], means: Wrong.}
  BUSY: {code: ABORTED, retry: true, metadata: [turn], may_have: [why], means: Wait.}
turn_errors: {DEADLINE: Late.}
requests: {A.B: {text: 'name: "n"'}, A.C: {text: ''}}
groups:
  - rpcs: all
    rows: [{fault: busy, answer: BUSY, metadata: {turn: t}}]
  - rpcs: [A.B]
    rows:
      - {field: name, fault: missing, clear: [name], answer: FIELD_INVALID}
      - {field: [a, b], fault: fine, answer: OK}
)";

RefusalTable Table() { return ParseRefusalTable(kYaml).value(); }
const Row& BusyRow(const RefusalTable& table) { return table.groups[0].rows[0]; }
const Row& FieldRow(const RefusalTable& table) { return table.groups[1].rows[0]; }

absl::Status ParseWith(const std::string& from, const std::string& to) {
  return ParseRefusalTable(absl::StrReplaceAll(kYaml, {{from, to}})).status();
}

TEST(RefusalTable, ReadsReasonsAndRows) {
  const RefusalTable table = Table();

  EXPECT_THAT(table.groups[0].rpcs, ElementsAre("A.B", "A.C"));
  EXPECT_THAT(table.groups[1].rows[1].fields, ElementsAre("a", "b"));
  EXPECT_EQ(FieldRow(table).at, "name");
  EXPECT_EQ(FieldRow(table).caller, "caller");
  EXPECT_EQ(table.Find("BUSY")->code, "ABORTED");
  EXPECT_EQ(table.Find("OTHER"), nullptr);
}

TEST(RefusalTable, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(ParseWith("answer: BUSY", "answer: BUZY").message(), HasSubstr("BUZY"));
  EXPECT_THAT(ParseWith("fault: busy", "fauld: busy").message(), HasSubstr("unknown key fauld"));
  EXPECT_THAT(ParseWith("[A.B]", "[A.D]").message(), HasSubstr("A.D has no good request"));
  EXPECT_THAT(ParseWith("field: name, ", "").message(), HasSubstr("which field"));
  EXPECT_FALSE(ParseWith("groups:", "groups: [").ok());
}

TEST(RequestText, UnfoldsFromTheInside) {
  EXPECT_EQ(Unfold("a[[3:k#]]b").value(), "ak0k1k2b");
  EXPECT_EQ(Unfold("[[2:<#[[2:x]]>]]").value(), "<0xx><1xx>");
  EXPECT_EQ(Unfold("[[0:x]][1]").value(), "[1]");
  for (const char* bad : {"[[3:a", "[[a:b]]", "[[3]]", "[[", "[[:x]]"}) {
    EXPECT_FALSE(Unfold(bad).ok()) << bad;
  }
}

TEST(RequestText, ChangesTheGoodRequestAsTheRowSays) {
  const Row row{
      .fault = "f", .clear = {"states"}, .set = "page_size: 7 states: $state", .answer = "OK"};

  const auto bytes =
      BuildRequest("penstock.gateway.v1.ListTurnsRequest", "parent: \"$who\" states: FAILED", row,
                   {{"who", "sessions/s"}, {"state", "RUNNING"}});

  gateway::v1::ListTurnsRequest request;
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  ASSERT_TRUE(request.ParseFromString(*bytes));
  EXPECT_EQ(request.ShortDebugString(), "parent: \"sessions/s\" page_size: 7 states: RUNNING");
}

TEST(RequestText, CanBeMadeInvalid) {
  const std::string type = "penstock.gateway.v1.GetTurnRequest";
  gateway::v1::GetTurnRequest request;

  EXPECT_FALSE(request.ParseFromString(BuildRequest(type, "", {.bytes = R"(\x0a)"}, {}).value()));
  EXPECT_FALSE(
      request.ParseFromString(BuildRequest(type, "", {.set = R"(name: "\xff")"}, {}).value()));
  EXPECT_FALSE(BuildRequest(type, "", {.set = "nam: 1"}, {}).ok());
  EXPECT_FALSE(BuildRequest(type, "", {.clear = {"nam"}}, {}).ok());
}

Refusal Busy() {
  return Refusal(absl::StatusCode::kAborted, "BUSY", "s: t runs").With("turn", "t");
}

TEST(AnswerCheck, FindsNothingWhereAllIsAsExpected) {
  const RefusalTable table = Table();

  EXPECT_THAT(Differences(table, FieldRow(table), FieldInvalid("name", "nothing", "a name")),
              IsEmpty());
  EXPECT_THAT(Differences(table, BusyRow(table), Busy().RetryAfter(absl::Seconds(1))), IsEmpty());
  EXPECT_THAT(
      Differences(table, BusyRow(table), Busy().With("why", "w").RetryAfter(absl::Seconds(1))),
      IsEmpty());
  EXPECT_THAT(Differences(table, table.groups[1].rows[1], absl::OkStatus()), IsEmpty());
}

TEST(AnswerCheck, FindsEachThingThatDiffers) {
  const RefusalTable table = Table();
  const auto busy = [&](const absl::Status& found) {
    return Differences(table, BusyRow(table), found);
  };
  const auto field = [&](const absl::Status& found) {
    return Differences(table, FieldRow(table), found);
  };
  const absl::Duration second = absl::Seconds(1);

  EXPECT_THAT(busy(absl::OkStatus()), ElementsAre(HasSubstr("code: found \"OK\"")));
  EXPECT_THAT(busy(Busy()), ElementsAre(HasSubstr("RetryInfos")));
  EXPECT_THAT(busy(Busy().With("x", "y").RetryAfter(second)),
              ElementsAre(HasSubstr("unexpected x")));
  EXPECT_THAT(busy(Busy().With("turn", "u").RetryAfter(second)),
              ElementsAre("metadata turn: found \"u\", expected \"t\""));
  EXPECT_THAT(busy(Busy().Field("name", "d").RetryAfter(second)),
              ElementsAre(HasSubstr("BadRequests")));
  EXPECT_THAT(busy(Busy().With("why", std::string(5000, 'w')).RetryAfter(second)),
              ElementsAre(HasSubstr("bytes, expected at most")));
  EXPECT_THAT(busy(absl::AbortedError("busy")), testing::Not(IsEmpty()));
  EXPECT_THAT(field(FieldInvalid("other", "f", "a")), SizeIs(2));
  EXPECT_THAT(field(TooLarge("name", "f", "a")), ElementsAre(HasSubstr("reason")));
  EXPECT_THAT(Differences(table, table.groups[1].rows[1], Busy()),
              ElementsAre(HasSubstr("expected \"OK\"")));
}

}  // namespace
}  // namespace penstock::contract
