#include "tests/harness/secret_search.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kSecret[] = "sk-0123456789~?";

SecretSearch Search() {
  SecretSearch search;
  search.Add("key", kSecret);
  return search;
}

TEST(SecretSearch, FindsASecretAsItIsAndInHex) {
  EXPECT_THAT(Search().FoundIn(absl::StrCat("authorization: Bearer ", kSecret, "!")),
              ElementsAre("key as it is"));
  EXPECT_THAT(Search().FoundIn("x" + absl::BytesToHexString(kSecret) + "x"),
              ElementsAre("key in hex"));
  EXPECT_THAT(Search().FoundIn("736B2D303132333435363738397E3F"), ElementsAre("key in hex"));
}

TEST(SecretSearch, FindsASecretInsideOfEncodedBytesWhereverItStands) {
  for (const char* before : {"", "a", "ab", "abc", "abcd"}) {
    for (const char* behind : {"", "z", "yz", "xyz"}) {
      const std::string bytes = absl::StrCat(before, kSecret, behind);
      EXPECT_THAT(Search().FoundIn(absl::Base64Escape(bytes)), ElementsAre("key in base64"))
          << bytes;
      EXPECT_THAT(Search().FoundIn(absl::WebSafeBase64Escape(bytes)), ElementsAre("key in base64"))
          << bytes;
    }
  }
}

TEST(SecretSearch, FindsNothingInWhatOnlyResemblesIt) {
  for (const char* text :
       {"", "sk-0123456789", "sk-0123456789~!", "c2stMDEyMzQ1Njc4OX4", "736b2d30"}) {
    EXPECT_THAT(Search().FoundIn(text), IsEmpty()) << text;
  }
}

TEST(SecretSearch, NamesTheFileThatHoldsIt) {
  const std::string folder = testing::TempDir() + "penstock-secret-search";
  std::filesystem::create_directories(folder + "/sub");
  std::ofstream(folder + "/sub/a.err") << "x" << kSecret;
  std::ofstream(folder + "/config.yaml") << kSecret;

  EXPECT_THAT(Search().FoundBelow(folder, {"config.yaml"}), ElementsAre("sub/a.err: key as it is"));

  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace penstock::harness
