// The example clients against a real gateway: an answer, a gated stream, a refusal.

#include <cstdio>
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/mesh.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

bool Failed() { return testing::Test::HasFailure(); }

class ClientsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto mesh = Mesh::Start({.tcp = true, .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    setenv("PENSTOCK_TOKEN", mesh_->tokens().For({.user = "u"}).c_str(), 1);
    setenv("ADDRESS", mesh_->gateway_address().c_str(), 1);
  }

  // What the client prints, with the text that it is to say in $TEXT.
  static std::string Run(const std::string& flags, const std::string& text) {
    setenv("TEXT", text.c_str(), 1);
    const std::string command = absl::StrCat("tests/clients/run --only ", GetParam(),
                                             " \"$ADDRESS\" ", flags, " \"$TEXT\" 2>&1");
    FILE* output = popen(command.c_str(), "r");
    std::string printed;
    for (int letter = fgetc(output); letter != EOF; letter = fgetc(output)) {
      printed += static_cast<char>(letter);
    }
    pclose(output);
    return printed;
  }

  std::unique_ptr<Mesh> mesh_;
};

TEST_P(ClientsTest, PrintsTheAnswerAndWhatItTook) {
  EXPECT_THAT(Run("--session sessions/s1", "My dog is called Rex."),
              testing::EndsWith("Noted. My dog is called Rex.\nSUCCEEDED 6 tokens\n"));
}

TEST_P(ClientsTest, PassesEveryTokenBeforeTheNextIsMade) {
  std::string tokens = "t1";
  for (int i = 2; i <= 20; ++i) absl::StrAppend(&tokens, " t", i);

  EXPECT_THAT(Run(absl::StrCat("--gate ", mesh_->simulator().GateUrl("gate")),
                  "/sim tokens 20\n/sim gate gate"),
              testing::EndsWith(tokens + "\nSUCCEEDED 20 tokens\n"));
}

TEST_P(ClientsTest, PrintsARefusal) {
  setenv("PENSTOCK_TOKEN", "no.good.token", 1);

  EXPECT_THAT(Run("", "hello"), testing::HasSubstr("UNAUTHENTICATED: "));
}

INSTANTIATE_TEST_SUITE_P(, ClientsTest, testing::Values("python", "node"),
                         [](const auto& client) { return client.param; });

}  // namespace
}  // namespace penstock::harness
