// The formats below tokens: base64url, JSON objects, ECDSA signatures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/base64url.h"
#include "libs/identity/ecdsa_signature.h"
#include "libs/identity/json_object.h"

#include "absl/strings/escaping.h"

namespace penstock::identity {
namespace {

using ::testing::ElementsAre;

TEST(Base64Url, RoundTripsEverySize) {
  std::string bytes;
  for (int size = 0; size < 300; ++size) {
    EXPECT_EQ(DecodeBase64Url(EncodeBase64Url(bytes)), bytes);
    bytes.push_back(static_cast<char>(size * 37));
  }
}

TEST(Base64Url, HasOneSpellingForEachValue) {
  EXPECT_EQ(DecodeBase64Url("YQ"), "a");
  for (const char* other :
       {"YQ==", "YQ=", "YR", "Y", "YQ\n", " YQ", "Y Q", "+w", "/w", "YQ.", "Y\x80"}) {
    EXPECT_EQ(DecodeBase64Url(other), std::nullopt) << other;
  }
}

TEST(JsonObject, KeepsStringsNumbersAndArraysOfStrings) {
  const auto object = JsonObject::Parse(
      R"( {"a":"x\u00e9\n","b":-1.5,"c":["p","q"],"d":[],"e":["p",1],"f":null,"g":{"a":"inner"}} )");

  ASSERT_TRUE(object);
  EXPECT_EQ(object->Find("a")->text, "x\xc3\xa9\n");
  EXPECT_EQ(object->Find("b")->number, -1.5);
  EXPECT_THAT(object->Find("c")->strings, ElementsAre("p", "q"));
  EXPECT_EQ(object->Find("d")->kind, JsonMember::Kind::kStrings);
  EXPECT_EQ(object->Find("e")->kind, JsonMember::Kind::kOther);
  EXPECT_EQ(object->Find("f")->kind, JsonMember::Kind::kOther);
  EXPECT_EQ(object->Find("g")->kind, JsonMember::Kind::kOther);
  EXPECT_EQ(object->Find("h"), nullptr);
}

TEST(JsonObject, MayRepeatANameInAnotherObject) {
  EXPECT_TRUE(JsonObject::Parse(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"));
  EXPECT_FALSE(JsonObject::Parse(R"({"a":{"b":1,"c":{},"b":2}})"));
  EXPECT_FALSE(JsonObject::Parse(R"({"a":1,"b":{"a":1},"a":1})"));
}

TEST(JsonObject, ReadsLongStringsWithEscapesWhole) {
  const std::string text(3000, 'x');

  const auto object = JsonObject::Parse("{\"" + text + "\\n\":\"" + text + "\\t" + text + "\"}");

  ASSERT_TRUE(object);
  ASSERT_NE(object->Find(text + "\n"), nullptr);
  EXPECT_EQ(object->Find(text + "\n")->text, text + "\t" + text);
}

TEST(EcdsaSignature, SurvivesBothSpellings) {
  for (const char* hex : {"00", "01", "7f", "80", "ff"}) {
    const std::string byte = absl::HexStringToBytes(hex);
    for (size_t zeros = 0; zeros < 32; ++zeros) {
      std::string raw = std::string(zeros, '\0') + byte + std::string(31 - zeros, '\x05');
      raw += byte + std::string(30, '\0') + '\x01';
      const auto der = EcdsaRawToDer(raw);
      if (raw.substr(0, 32) == std::string(32, '\0')) {
        EXPECT_EQ(der, std::nullopt);
        continue;
      }

      ASSERT_TRUE(der);
      EXPECT_EQ(EcdsaDerToRaw(*der), raw);
    }
  }
}

}  // namespace
}  // namespace penstock::identity
