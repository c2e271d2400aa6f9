// The formats below tokens: base64url, JSON objects, ECDSA signatures, HMAC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/base64url.h"
#include "libs/identity/ecdsa_signature.h"
#include "libs/identity/hmac.h"
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

std::string HmacHex(const std::string& key, absl::string_view data) {
  const HmacSha256::Mac mac = HmacSha256(key).Sign(data);
  return absl::BytesToHexString({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

// RFC 4231, test cases 1, 2, 3 and 6: keys shorter and longer than a block.
TEST(HmacSha256, GivesTheMacsOfTheStandard) {
  EXPECT_EQ(HmacHex(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HmacHex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HmacHex(std::string(20, '\xaa'), std::string(50, '\xdd')),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(
      HmacHex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, TakesOnlyTheWholeMac) {
  const HmacSha256 hmac(std::string(32, 'k'));
  const HmacSha256::Mac mac = hmac.Sign("data");
  const std::string whole(mac.begin(), mac.end());

  EXPECT_TRUE(hmac.Verify("data", whole));
  EXPECT_FALSE(hmac.Verify("Data", whole));
  EXPECT_FALSE(hmac.Verify("data", whole.substr(0, 31)));
  EXPECT_FALSE(hmac.Verify("data", whole + '\0'));
  EXPECT_FALSE(hmac.Verify("data", ""));
}

}  // namespace
}  // namespace penstock::identity
