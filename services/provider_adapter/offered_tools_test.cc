#include "services/provider_adapter/offered_tools.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace penstock::provider_adapter {
namespace {

provider::v1::GenerateRequest Request() {
  provider::v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(tools { name: "clock" }
           messages {
             role: ASSISTANT
             parts { tool_call { id: "call_1" name: "clock" } }
             parts { tool_call { id: "call_3" name: "clock" } }
           })pb",
      &request));
  return request;
}

TEST(OfferedTools, KnowsItsNames) {
  const OfferedTools tools(Request());

  EXPECT_TRUE(tools.Has("clock"));
  EXPECT_FALSE(tools.Has("cloc"));
  EXPECT_FALSE(tools.empty());
  EXPECT_TRUE(OfferedTools().empty());
}

TEST(OfferedTools, KeepsAnIdThatIsNew) {
  OfferedTools tools(Request());

  EXPECT_EQ(tools.NewCallId("call_2"), "call_2");
}

TEST(OfferedTools, MakesAnIdUpWhereThereIsNoneOrItWasSeen) {
  OfferedTools tools(Request());

  EXPECT_EQ(tools.NewCallId(""), "call_4");
  EXPECT_EQ(tools.NewCallId(""), "call_5");
  EXPECT_EQ(tools.NewCallId("call_1"), "call_6");
  EXPECT_EQ(tools.NewCallId("x"), "x");
  EXPECT_EQ(tools.NewCallId("x"), "call_7");
}

TEST(OfferedTools, MakesAnIdUpForOneThatCannotBeShown) {
  OfferedTools tools(Request());

  EXPECT_EQ(tools.NewCallId("\xE6\xB0"), "call_4");
  EXPECT_EQ(tools.NewCallId(std::string(129, 'x')), "call_5");
}

TEST(OfferedTools, SkipsMadeUpIdsThatAreTaken) {
  OfferedTools tools(Request());
  tools.NewCallId("call_4");

  EXPECT_EQ(tools.NewCallId(""), "call_5");
  tools.NewCallId("call_7");
  EXPECT_EQ(tools.NewCallId(""), "call_6");
}

}  // namespace
}  // namespace penstock::provider_adapter
