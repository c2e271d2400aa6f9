#include "libs/host/image_shape.h"

#include <string>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock::host {
namespace {

TEST(ImageShape, AFileIsWhatItsFirstBytesSay) {
  EXPECT_EQ(ImageTypeOf(absl::StrCat("\x89PNG\r\n\x1a\n", "IHDR")), "image/png");
  EXPECT_EQ(ImageTypeOf("\xff\xd8\xff\xe0JFIF"), "image/jpeg");
  EXPECT_EQ(ImageTypeOf("GIF87a"), "image/gif");
  EXPECT_EQ(ImageTypeOf("GIF89a"), "image/gif");
  EXPECT_EQ(ImageTypeOf("RIFF1234WEBPVP8 "), "image/webp");
}

TEST(ImageShape, AFileThatBeginsOtherwiseIsNone) {
  const std::string others[] = {
      "",     "\x89PNG",     "\x89PNG\r\n\x1a", "\xff\xd8", "GIF88a", "RIFF1234WAVE", "RIFF1234WEB",
      "RIFF", "<svg></svg>", " \xff\xd8\xff",   "WEBP"};
  for (const std::string& file : others) EXPECT_EQ(ImageTypeOf(file), "") << file;
}

TEST(ImageShape, FourTypesAreKnown) {
  for (const char* type : {"image/png", "image/jpeg", "image/gif", "image/webp"}) {
    EXPECT_TRUE(IsImageType(type)) << type;
  }
  for (const char* type :
       {"", "image/jpg", "image/svg+xml", "IMAGE/PNG", "image/png; a=b", "png"}) {
    EXPECT_FALSE(IsImageType(type)) << type;
  }
}

TEST(ImageShape, AUrlIsHttpsWithAHostAndWithoutAUser) {
  for (const char* url :
       {"https://a", "https://a.example/cat.png?size=2#x", "https://[::1]:8443/"}) {
    EXPECT_TRUE(IsImageUrl(url)) << url;
  }
  const std::string others[] = {"",
                                "https://",
                                "https:///cat.png",
                                "https://:443/",
                                "https://?q",
                                "http://a.example/",
                                "HTTPS://a.example/",
                                "data:image/png;base64,AA==",
                                "file:///etc/passwd",
                                "https://user:word@a.example/",
                                "https://a.example/a b",
                                "https://a.example/\r\nHost: b",
                                "https://a.example/\xc3\xa4"};
  for (const std::string& url : others) EXPECT_FALSE(IsImageUrl(url)) << url;
}

TEST(ImageShape, AUrlHasAtMost2048Bytes) {
  const std::string begin = "https://a/";

  EXPECT_TRUE(IsImageUrl(begin + std::string(2048 - begin.size(), 'x')));
  EXPECT_FALSE(IsImageUrl(begin + std::string(2049 - begin.size(), 'x')));
}

}  // namespace
}  // namespace penstock::host
