// An answer of testdata/: what a provider sent, and what is to become of it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::provider_adapter {

struct AnswerCase {
  std::string name;
  std::string source;
  std::string date;
  int status = 0;
  std::vector<std::string> headers;
  // The connection broke.
  bool reset = false;
  bool offers_tools = true;
  // "0 TEXT Half".
  std::vector<std::string> told;
  provider::v1::GenerateEvent expected;
  std::string body;
};

// One "key: value" of the head.
inline void ReadField(absl::string_view line, AnswerCase& answer) {
  if (absl::ConsumePrefix(&line, "source: ")) {
    answer.source = std::string(line);
  } else if (absl::ConsumePrefix(&line, "date: ")) {
    answer.date = std::string(line);
  } else if (absl::ConsumePrefix(&line, "status: ")) {
    EXPECT_TRUE(absl::SimpleAtoi(line, &answer.status)) << line;
  } else if (absl::ConsumePrefix(&line, "header: ")) {
    answer.headers.emplace_back(line);
  } else if (absl::ConsumePrefix(&line, "told: ")) {
    answer.told.emplace_back(line);
  } else if (line == "outcome: reset") {
    answer.reset = true;
  } else if (line == "tools: none") {
    answer.offers_tools = false;
  } else {
    ADD_FAILURE() << answer.name << ": unknown line " << line;
  }
}

inline AnswerCase ReadCase(const std::filesystem::path& path) {
  AnswerCase answer;
  answer.name = path.string();
  std::ifstream file(path, std::ios::binary);
  std::string line;
  while (std::getline(file, line) && line != "expect:") ReadField(line, answer);
  std::string expected;
  while (std::getline(file, line) && line != "body:") absl::StrAppend(&expected, line, "\n");
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(expected, &answer.expected))
      << answer.name;
  EXPECT_TRUE(file.good()) << answer.name << ": no body";
  std::ostringstream body;
  body << file.rdbuf();
  answer.body = body.str();
  return answer;
}

// Those of "openai" or "anthropic", by name.
inline std::vector<AnswerCase> ReadCases(const std::string& protocol) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator("services/provider_adapter/testdata/" + protocol)) {
    if (entry.path().extension() == ".case") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<AnswerCase> cases;
  for (const auto& path : paths) cases.push_back(ReadCase(path));
  return cases;
}

}  // namespace penstock::provider_adapter
