// The table has a row for every public RPC and every field of its request, and says of every reason
// what shows it; the page is made from it.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "penstock/chat/v1/message.pb.h"
#include "services/gateway/public_reasons.h"
#include "tests/contract/refusal_page.h"
#include "tests/contract/refusal_table.h"
#include "tests/contract/request_fields.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::contract {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

const RefusalTable& Table() {
  static const auto& table = *new RefusalTable(ReadRefusalTable().value());
  return table;
}

// By RPC: the fields that rows are about, and those that stand for all below them.
struct Rows {
  std::set<std::string> fields;
  std::set<std::string> whole;
  int count = 0;
};

std::map<std::string, Rows> RowsByRpc() {
  std::map<std::string, Rows> rows;
  for (const Group& group : Table().groups) {
    for (const std::string& rpc : group.rpcs) {
      for (const Row& row : group.rows) {
        ++rows[rpc].count;
        rows[rpc].fields.insert(row.fields.begin(), row.fields.end());
        if (row.below) rows[rpc].whole.insert(row.fields.begin(), row.fields.end());
      }
    }
  }
  return rows;
}

bool IsCovered(const std::string& path, const Rows& rows) {
  if (rows.fields.contains(path)) return true;
  for (const std::string& whole : rows.whole) {
    if (absl::StartsWith(path, whole + ".")) return true;
  }
  return false;
}

std::string FileText(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "Suite.Name" of every test of the tree.
std::set<std::string> TestsOfTheTree() {
  std::set<std::string> tests;
  for (const char* folder : {"libs", "services", "tests"}) {
    const std::filesystem::path root = std::filesystem::path(PENSTOCK_SOURCE_DIR) / folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".cc") continue;
      const std::string text = FileText(entry.path());
      for (size_t at = text.find("\nTEST"); at != std::string::npos;
           at = text.find("\nTEST", at + 1)) {
        const size_t open = text.find('(', at);
        const std::string name = text.substr(open + 1, text.find(')', open) - open - 1);
        tests.insert(absl::StrReplaceAll(name, {{",", "."}, {" ", ""}, {"\n", ""}}));
      }
    }
  }
  return tests;
}

TEST(RefusalCoverage, EveryPublicRpcHasRowsAndEveryRowsRpcIsPublic) {
  std::vector<std::string> in_table;
  for (const auto& [rpc, rows] : RowsByRpc()) in_table.push_back(rpc);

  EXPECT_THAT(in_table, UnorderedElementsAreArray(PublicRpcs()));
}

TEST(RefusalCoverage, EveryFieldOfEveryRequestHasARow) {
  const std::map<std::string, Rows> rows = RowsByRpc();
  std::vector<std::string> missing;
  size_t fields = 0;
  for (const std::string& rpc : PublicRpcs()) {
    for (const RequestField& field : FieldsOf(*RequestOf(rpc))) {
      ++fields;
      if (rows.count(rpc) == 0 || !IsCovered(field.path, rows.at(rpc))) {
        missing.push_back(absl::StrCat(rpc, " ", field.path));
      }
    }
  }

  EXPECT_THAT(missing, IsEmpty());
  EXPECT_GT(fields, 150u);
}

TEST(RefusalCoverage, EveryRowIsAboutAFieldThatThereIs) {
  for (const auto& [rpc, rows] : RowsByRpc()) {
    for (const std::string& field : rows.fields) {
      EXPECT_TRUE(HasField(*RequestOf(rpc), field)) << rpc << " " << field;
    }
  }
}

TEST(RefusalCoverage, EveryPublicReasonIsInTheTable) {
  std::set<std::string> in_table, of_gateway;
  for (const Reason& reason : Table().reasons) {
    if (!reason.of_listener) in_table.insert(reason.name);
  }
  for (const absl::string_view reason : gateway::kPublicReasons) of_gateway.emplace(reason);

  EXPECT_THAT(in_table, UnorderedElementsAreArray(of_gateway));
}

TEST(RefusalCoverage, EveryReasonHasARowOrATestOfItsOwn) {
  std::set<std::string> in_rows;
  for (const Group& group : Table().groups) {
    for (const Row& row : group.rows) in_rows.insert(row.answer);
  }
  const std::set<std::string> tests = TestsOfTheTree();
  for (const Reason& reason : Table().reasons) {
    if (in_rows.contains(reason.name)) continue;
    EXPECT_TRUE(tests.contains(reason.test)) << reason.name << ": no test " << reason.test;
  }
}

TEST(RefusalCoverage, WhatATurnEndsWithIsEveryKindOfError) {
  std::vector<std::string> kinds, in_table;
  const auto& type = *chat::v1::ErrorKind_descriptor();
  for (int i = 1; i < type.value_count(); ++i) kinds.push_back(type.value(i)->name());
  for (const auto& [kind, means] : Table().turn_errors) in_table.push_back(kind);

  EXPECT_THAT(in_table, UnorderedElementsAreArray(kinds));
}

TEST(RefusalCoverage, ThePageIsMadeFromTheTable) {
  EXPECT_EQ(FileText(PENSTOCK_SOURCE_DIR "/tests/contract/REFUSALS.md"), RefusalPage(Table()))
      << "write it anew: cmake --build --preset dev --target refusals_md";
}

}  // namespace
}  // namespace penstock::contract
