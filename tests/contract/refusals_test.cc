// Every row of the table, sent to a whole mesh: the answer is the expected one, and nothing is
// stored by what was refused.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/ids.h"
#include "libs/base/refusal.h"
#include "tests/contract/answer_check.h"
#include "tests/contract/contract_world.h"
#include "tests/contract/refusal_table.h"
#include "tests/contract/request_fields.h"
#include "tests/contract/request_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"

namespace penstock::contract {
namespace {

using google::protobuf::FieldDescriptor;

// All that a status says; its details, and what is in their maps, have no order of their own.
std::string InOneOrder(const absl::Status& status) {
  const auto rpc_status = ToRpcStatus(status);
  std::vector<std::string> details;
  for (const auto& detail : rpc_status.details()) details.push_back(detail.DebugString());
  std::sort(details.begin(), details.end());
  return absl::StrCat(rpc_status.code(), " ", rpc_status.message(), "\n",
                      absl::StrJoin(details, "\n"));
}

class RefusalsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto table = ReadRefusalTable();
    ASSERT_TRUE(table.ok()) << table.status();
    table_ = *std::move(table);
    auto world = ContractWorld::Make();
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }

  absl::Status Answer(const std::string& rpc, const Row& row, Names names) {
    names["fresh"] = NewId(absl::Now());
    const auto request =
        BuildRequest(RequestOf(rpc)->full_name(), table_.requests[rpc], row, names);
    EXPECT_TRUE(request.ok()) << rpc << " " << row.fault << ": " << request.status();
    if (!request.ok()) return request.status();
    return world_->Send(rpc, row.caller, *request);
  }

  void ExpectAnswer(const std::string& rpc, const Row& row) {
    const absl::Status found = Answer(rpc, row, world_->names());

    EXPECT_EQ(absl::StrJoin(Differences(table_, row, found), "\n"), "")
        << rpc << " " << absl::StrJoin(row.fields, ",") << ": " << row.fault << ": " << found;
    ++sent_;
  }

  // A name of somebody else's answers like one that nobody has, byte for byte.
  void ExpectLikeAbsent(const std::string& rpc, const Row& row) {
    std::vector<std::pair<std::string, std::string>> back;
    for (const auto& [name, absent] : world_->absent_names()) {
      const std::string& theirs = world_->names().at(name);
      if (absent != theirs) back.emplace_back(absent, theirs);
    }
    const absl::Status foreign = Answer(rpc, row, world_->names());
    const absl::Status absent = Answer(rpc, row, world_->absent_names());

    EXPECT_EQ(InOneOrder(foreign), absl::StrReplaceAll(InOneOrder(absent), back))
        << rpc << " " << row.fault << ": foreign: " << foreign << "; absent: " << absent;
    ++foreign_;
  }

  // `send` gets each row whose answer is, or is not, OK, for each of its RPCs.
  template <class Send>
  void ForEachRow(bool accepted, Send send) {
    for (const Group& group : table_.groups) {
      for (const Row& row : group.rows) {
        if ((row.answer == "OK") != accepted) continue;
        for (const std::string& rpc : group.rpcs) send(rpc, row);
      }
    }
  }

  std::string Stored() const {
    const auto stored = world_->Stored();
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.value_or("");
  }

  RefusalTable table_;
  std::unique_ptr<ContractWorld> world_;
  int sent_ = 0;
  int foreign_ = 0;
};

TEST_F(RefusalsTest, EveryFaultIsRefusedAsExpectedAndStoresNothing) {
  const std::string before = Stored();

  ForEachRow(false, [&](const std::string& rpc, const Row& row) {
    ExpectAnswer(rpc, row);
    if (absl::StrContains(row.set, "$their_")) ExpectLikeAbsent(rpc, row);
  });

  EXPECT_GT(sent_, 500);
  EXPECT_GT(foreign_, 15);
  EXPECT_EQ(Stored(), before);
}

TEST_F(RefusalsTest, WhatIsJustWithinItsLimitIsTaken) {
  ForEachRow(true, [&](const std::string& rpc, const Row& row) { ExpectAnswer(rpc, row); });

  EXPECT_GT(sent_, 60);
}

// "a.b.c" as text format that sets c to a byte that is no UTF-8.
std::string NoUtf8At(const RequestField& field) {
  std::string text = field.type->is_map() ? R"({ key: "\xff" value: "v" })" : R"(: "\xff")";
  absl::string_view rest = field.path;
  std::string begin, end;
  for (size_t dot = rest.find('.'); dot != absl::string_view::npos; dot = rest.find('.')) {
    absl::StrAppend(&begin, rest.substr(0, dot), " { ");
    end += " }";
    rest.remove_prefix(dot + 1);
  }
  return absl::StrCat(begin, rest, " ", text, end);
}

TEST_F(RefusalsTest, TextThatIsNoUtf8IsRefusedInEveryField) {
  const std::string before = Stored();
  for (const auto& [rpc, request] : table_.requests) {
    for (const RequestField& field : FieldsOf(*RequestOf(rpc))) {
      if (!field.type->is_map() && field.type->type() != FieldDescriptor::TYPE_STRING) continue;
      ExpectAnswer(rpc, {.fields = {field.path},
                         .fault = "text that is no UTF-8",
                         .set = NoUtf8At(field),
                         .answer = "FIELD_INVALID",
                         .at = "request"});
    }
  }

  EXPECT_GT(sent_, 50);
  EXPECT_EQ(Stored(), before);
}

}  // namespace
}  // namespace penstock::contract
