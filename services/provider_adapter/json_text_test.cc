#include "services/provider_adapter/json_text.h"

#include <limits>
#include <string>

#include <boost/json/value.hpp>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace penstock::provider_adapter {
namespace {

TEST(JsonText, RefusesWhatIsNotOneValue) {
  const auto ignore = [](const boost::json::value&) {};

  EXPECT_FALSE(WithJson("", ignore));
  EXPECT_FALSE(WithJson("{", ignore));
  EXPECT_FALSE(WithJson("{} {}", ignore));
  EXPECT_FALSE(WithJson(std::string(100'000, '['), ignore));
  EXPECT_TRUE(WithJson(" {\"a\": [1]} ", ignore));
}

TEST(JsonText, KnowsAnObject) {
  EXPECT_TRUE(IsJsonObject(" {\"a\": 1} "));
  for (const char* text : {"", "[]", "7", "null", "{", "{},{}", "\"{}\""}) {
    EXPECT_FALSE(IsJsonObject(text)) << text;
  }
}

TEST(JsonText, ReadsValuesLargerThanTheStackBuffer) {
  std::string json = "{\"text\":\"" + std::string(100'000, 'x') + "\"}";
  size_t size = 0;

  EXPECT_TRUE(
      WithJson(json, [&](const auto& value) { size = StringMember(&value, "text").size(); }));

  EXPECT_EQ(size, 100'000u);
}

TEST(JsonText, ReadsOnlyCountsAsCounts) {
  WithJson(
      R"({"a":7,"b":-1,"c":1.5,"d":"7","e":null,"f":9223372036854775807,"g":18446744073709551615})",
      [](const auto& value) {
        EXPECT_EQ(CountMember(&value, "a"), 7);
        EXPECT_EQ(CountMember(&value, "f"), std::numeric_limits<int64_t>::max());
        for (const char* name : {"b", "c", "d", "e", "g", "absent"}) {
          EXPECT_EQ(CountMember(&value, name), std::nullopt) << name;
        }
      });
}

TEST(JsonText, WritesStringsThatReadBack) {
  EXPECT_TRUE(rc::check("strings", [](const std::string& text) {
    std::string json;
    AppendJsonString(json, text);
    std::string back;
    RC_ASSERT(WithJson("{\"x\":" + json + "}",
                       [&](const auto& value) { back = std::string(StringMember(&value, "x")); }));

    RC_ASSERT(back == text);
  }));
}

TEST(JsonText, WritesTheShortestNumber) {
  std::string json;
  AppendJsonNumber(json, 0.7);
  json.push_back(' ');
  AppendJsonNumber(json, 1);

  EXPECT_EQ(json, "0.7 1");
}

}  // namespace
}  // namespace penstock::provider_adapter
