// Images in OpenAI's format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/openai/request.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::openai {
namespace {

constexpr absl::string_view kPng = "data:image/png;base64,iVBORw0KGgo=";

struct Read {
  Refused refused;
  int64_t tokens = 0;
};

Read ReadImage(absl::string_view image, absl::string_view role = "user") {
  boost::json::value document;
  Prompt prompt;
  const std::string body = absl::StrCat(
      R"({"model":"m","messages":[{"role":")", role,
      R"(","content":[{"type":"text","text":"12345678"},{"type":"image_url","image_url":)", image,
      "}]}]}");
  Read read;
  read.refused = ReadRequest(body, document, prompt);
  if (!read.refused) read.tokens = prompt.Tokens();
  return read;
}

std::string CodeOf(absl::string_view url, absl::string_view role = "user") {
  const Read read = ReadImage(absl::StrCat(R"({"url":")", url, R"("})"), role);
  return read.refused ? read.refused->code : "none";
}

TEST(OpenAiImages, CountAsManyTokensWhateverTheirSize) {
  EXPECT_EQ(ReadImage(R"({"url":"https://example.org/a.png"})").tokens, 1605);
  EXPECT_EQ(ReadImage(absl::StrCat(R"({"url":")", kPng, R"(","detail":"high"})")).tokens, 1605);
  EXPECT_EQ(ReadImage(absl::StrCat(R"({"url":")", kPng, R"(","detail":"low"})")).tokens, 90);
}

TEST(OpenAiImages, AreRefusedWhenTheyAreNone) {
  EXPECT_EQ(CodeOf(kPng), "none");
  EXPECT_EQ(CodeOf("data:image/bmp;base64,iVBORw0KGgo="), "invalid_image_format");
  EXPECT_EQ(CodeOf("data:image/png;base64,iVBORw0KGgo"), "invalid_base64");
  EXPECT_EQ(CodeOf("data:image/png;base64,"), "invalid_base64");
  EXPECT_EQ(CodeOf("data:image/png,xyz"), "invalid_base64");
  EXPECT_EQ(CodeOf("ftp://example.org/a.png"), "invalid_image_url");
  EXPECT_EQ(ReadImage(absl::StrCat(R"({"url":")", kPng, R"(","detail":"fine"})")).refused->param,
            "messages[0].content.image_url.detail");
}

TEST(OpenAiImages, StandInTheUsersMessagesOnly) {
  EXPECT_EQ(CodeOf(kPng, "system"), "invalid_value");
}

}  // namespace
}  // namespace penstock::providersim::openai
