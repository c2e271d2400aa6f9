#include "services/provider_adapter/api_key.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::provider_adapter {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string FileWith(const std::string& text) {
  const std::string path = testing::TempDir() + "/api_key";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string ErrorOfFile(const std::string& text) {
  return std::string(ReadKeyFile(FileWith(text)).status().message());
}

TEST(ApiKey, IsTheOneLineOfItsFile) {
  EXPECT_EQ(*ReadKeyFile(FileWith("sk-1")), "sk-1");
  EXPECT_EQ(*ReadKeyFile(FileWith("  sk-1\r\n\n")), "sk-1");
  EXPECT_EQ(ReadKeyFile(FileWith(std::string(16 * 1024, 'k') + "\n"))->size(), 16u * 1024);
}

TEST(ApiKey, NoErrorQuotesTheFilesContent) {
  EXPECT_EQ(ErrorOfFile(""), "is empty");
  EXPECT_EQ(ErrorOfFile(" \n"), "is empty");
  EXPECT_EQ(ErrorOfFile("sk-1\nsk-2\n"), "has more than one line");
  EXPECT_EQ(ErrorOfFile("sk 1"), "has blanks or bytes that are no printable ASCII");
  EXPECT_EQ(ErrorOfFile(std::string("sk-1\0", 5)),
            "has blanks or bytes that are no printable ASCII");
  EXPECT_EQ(ErrorOfFile("\xEF\xBB\xBFsk-1"), "has blanks or bytes that are no printable ASCII");
  EXPECT_EQ(ErrorOfFile(std::string(16 * 1024 + 1, 'k')), "has more than 16384 bytes");
}

TEST(ApiKey, AFileThatCannotBeReadIsNamedWithItsSetting) {
  config::v1::Provider provider;
  const auto nothing = [](absl::string_view) { return std::optional<std::string>(); };
  const auto error = [&](const std::string& file) {
    provider.set_api_key_file(file);
    return std::string(ReadApiKey(provider, "providers[1]", nothing).status().message());
  };

  EXPECT_THAT(error("/nowhere/key"), AllOf(HasSubstr("providers[1].api_key_file"),
                                           HasSubstr("/nowhere/key"), HasSubstr("No such file")));
  EXPECT_THAT(error(testing::TempDir()), HasSubstr("Is a directory"));
  EXPECT_THAT(error(FileWith("sk-1 sk-2")),
              AllOf(HasSubstr("providers[1].api_key_file"), Not(HasSubstr("sk-1"))));
}

TEST(ApiKey, AProviderMayHaveNone) {
  const auto nothing = [](absl::string_view) { return std::optional<std::string>(); };

  EXPECT_EQ(*ReadApiKey(config::v1::Provider(), "providers[0]", nothing), "");
}

TEST(ApiKey, IsHiddenWhereverATextQuotesIt) {
  const Credential credential = {.api_key = "sk-1", .headers = {}};

  EXPECT_EQ(HideKey("bad key sk-1, yes: sk-1", credential), "bad key ***, yes: ***");
  EXPECT_EQ(HideKey("bad key", credential), "bad key");
  EXPECT_EQ(HideKey("bad key", Credential()), "bad key");
}

}  // namespace
}  // namespace penstock::provider_adapter
