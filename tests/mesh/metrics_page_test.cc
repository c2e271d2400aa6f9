// What all five services show while they serve is what deploy/config/METRICS.md says of it.

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "tests/harness/caller.h"
#include "tests/harness/tokens.h"
#include "tests/mesh/in_process_mesh.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::mesh {
namespace {

struct Row {
  std::string type;
  std::set<std::string> labels;

  bool operator==(const Row&) const = default;
};
using Table = std::map<std::string, Row>;

std::string Unquoted(absl::string_view cell) {
  cell = absl::StripAsciiWhitespace(cell);
  absl::ConsumePrefix(&cell, "`");
  absl::ConsumeSuffix(&cell, "`");
  return std::string(cell);
}

Table PageOf(const std::string& file) {
  Table table;
  std::ifstream page(file);
  for (std::string line; std::getline(page, line);) {
    if (!absl::StartsWith(line, "| `penstock_")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    Row& row = table[Unquoted(cells[1])];
    row.type = Unquoted(cells[2]);
    for (const absl::string_view label : absl::StrSplit(cells[4], ',', absl::SkipWhitespace())) {
      row.labels.insert(Unquoted(label));
    }
  }
  return table;
}

// The keys in `name{a="x",b="y"} 1`, but for those that histograms have.
std::set<std::string> LabelsOf(absl::string_view sample) {
  std::set<std::string> labels;
  const size_t begin = sample.find('{');
  if (begin == absl::string_view::npos) return labels;
  absl::string_view rest = sample.substr(begin + 1);
  while (!absl::StartsWith(rest, "}")) {
    absl::ConsumePrefix(&rest, ",");
    const size_t equals = rest.find("=\"");
    labels.insert(std::string(rest.substr(0, equals)));
    rest.remove_prefix(rest.find('"', equals + 2) + 1);
  }
  labels.erase("le");
  return labels;
}

Table ShownBy(const std::string& text) {
  Table table;
  std::string name;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (absl::StartsWith(line, "# TYPE ")) {
      name = words[2];
      table[name].type = words[3];
    } else if (!absl::StartsWith(line, "#")) {
      table[name].labels = LabelsOf(line);
    }
  }
  return table;
}

TEST(MetricsPage, SaysOfEveryMetricWhatItsTypeAndLabelsAre) {
  const auto mesh = InProcessMesh::Start({});
  ASSERT_TRUE(mesh.ok()) << mesh.status();
  const auto channel = (*mesh)->ConnectToGateway();
  const harness::Caller caller(channel, (*mesh)->tokens().For({.user = "mia"}));
  gateway::v1::Turns::Stub turns(channel);
  gateway::v1::RunTurnRequest request;
  request.set_session("sessions/metrics");
  request.mutable_turn()->set_create_session(true);
  request.mutable_turn()->add_input()->mutable_text()->set_text("hello");
  const auto turn = caller.Call(turns, &gateway::v1::Turns::Stub::RunTurn, request);
  ASSERT_TRUE(turn.ok()) << turn.status();

  const Table shown = ShownBy((*mesh)->metrics().Render());
  const Table page = PageOf("deploy/config/METRICS.md");

  EXPECT_GT(shown.size(), 60u);
  EXPECT_GE(page.size(), shown.size());
  for (const auto& [name, row] : shown) {
    const auto found = page.find(name);
    ASSERT_NE(found, page.end()) << name;
    EXPECT_EQ(found->second, row) << name;
  }
}

}  // namespace
}  // namespace penstock::mesh
