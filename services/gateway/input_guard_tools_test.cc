// What the guard says of the caller's tools.
#include <functional>

#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "services/gateway/input_guard.h"

namespace penstock::gateway {
namespace {

config::v1::Config Settings() {
  config::v1::Config config;
  config.mutable_turn()->set_max_input_bytes(1000);
  config.mutable_turn()->set_max_input_parts(3);
  config.mutable_turn()->set_max_tools(3);
  config.mutable_turn()->set_max_tool_schema_bytes(100);
  config.mutable_turn()->set_max_tool_result_bytes(10);
  return config;
}

v1::SubmitTurnRequest GoodTurn() {
  v1::SubmitTurnRequest request;
  request.mutable_turn()->add_input()->mutable_text()->set_text("where?");
  for (const char* name : {"look_up", "Send-Mail"}) {
    auto* tool = request.mutable_turn()->mutable_overrides()->add_tools();
    tool->set_name(name);
    tool->set_parameters(R"({"type":"object"})");
  }
  return request;
}

v1::SubmitToolResultsRequest GoodResults() {
  v1::SubmitToolResultsRequest request;
  request.set_name("sessions/s1/turns/t1");
  request.set_request_id("r1");
  request.add_results()->set_tool_call_id("c1");
  request.mutable_results(0)->set_content("h\xc3\xa9re");
  return request;
}

template <class Request>
struct Case {
  std::function<void(Request&)> spoil;
  const char* reason;
  const char* field;
};

template <class Request>
void ExpectRefused(const Request& good, const std::vector<Case<Request>>& cases) {
  const config::v1::Config config = Settings();
  const InputGuard guard(config);
  EXPECT_TRUE(guard.Check(good).ok()) << guard.Check(good);
  for (const auto& bad : cases) {
    Request request = good;
    bad.spoil(request);
    const absl::Status status = guard.Check(request);
    EXPECT_EQ(ReasonOf(status), bad.reason) << bad.field << ": " << status;
    EXPECT_EQ(MetadataOf(status, "field"), bad.field) << status;
  }
}

chat::v1::Overrides& OverridesOf(v1::SubmitTurnRequest& request) {
  return *request.mutable_turn()->mutable_overrides();
}

TEST(InputGuardTools, RefusesToolsNamingTheField) {
  using Request = v1::SubmitTurnRequest;
  ExpectRefused<Request>(
      GoodTurn(),
      {{[](Request& q) { OverridesOf(q).mutable_tools(1)->set_name("look up"); }, "FIELD_INVALID",
        "turn.overrides.tools[1].name"},
       {[](Request& q) { OverridesOf(q).mutable_tools(1)->set_name(""); }, "FIELD_INVALID",
        "turn.overrides.tools[1].name"},
       {[](Request& q) { OverridesOf(q).mutable_tools(1)->set_name(std::string(65, 'a')); },
        "FIELD_INVALID", "turn.overrides.tools[1].name"},
       {[](Request& q) { OverridesOf(q).mutable_tools(1)->set_name("look_up"); }, "FIELD_INVALID",
        "turn.overrides.tools[1].name"},
       {[](Request& q) { OverridesOf(q).mutable_tools(0)->set_parameters("[1]"); }, "FIELD_INVALID",
        "turn.overrides.tools[0].parameters"},
       {[](Request& q) { OverridesOf(q).mutable_tools(0)->set_parameters("{\"a\":"); },
        "FIELD_INVALID", "turn.overrides.tools[0].parameters"},
       {[](Request& q) { OverridesOf(q).mutable_tools(0)->set_parameters("{\"\xff\":1}"); },
        "FIELD_INVALID", "turn.overrides.tools[0].parameters"},
       {[](Request& q) { OverridesOf(q).mutable_tools(0)->set_description(std::string(99, 'x')); },
        "TOO_LARGE", "turn.overrides.tools"},
       {[](Request& q) {
          for (const char* name : {"a", "b"}) OverridesOf(q).add_tools()->set_name(name);
        },
        "TOO_LARGE", "turn.overrides.tools"},
       {[](Request& q) {
          OverridesOf(q).mutable_generation()->mutable_tool_choice()->set_tool("other");
        },
        "FIELD_INVALID", "turn.overrides.generation.tool_choice.tool"},
       {[](Request& q) {
          OverridesOf(q).mutable_generation()->mutable_tool_choice()->set_mode(
              static_cast<chat::v1::ToolChoice::Mode>(77));
        },
        "FIELD_INVALID", "turn.overrides.generation.tool_choice.mode"},
       {[](Request& q) { q.mutable_turn()->add_input()->mutable_tool_result(); }, "FIELD_INVALID",
        "turn.input[1]"}});
}

TEST(InputGuardTools, RefusesResultsNamingTheField) {
  using Request = v1::SubmitToolResultsRequest;
  ExpectRefused<Request>(
      GoodResults(),
      {{[](Request& q) { q.set_name("sessions/s1"); }, "FIELD_INVALID", "name"},
       {[](Request& q) { q.set_request_id("r\n"); }, "FIELD_INVALID", "request_id"},
       {[](Request& q) { q.clear_results(); }, "FIELD_INVALID", "results"},
       {[](Request& q) { q.mutable_results(0)->set_tool_call_id(""); }, "FIELD_INVALID",
        "results[0].tool_call_id"},
       {[](Request& q) { q.mutable_results(0)->set_tool_call_id(std::string(257, 'a')); },
        "FIELD_INVALID", "results[0].tool_call_id"},
       {[](Request& q) { q.mutable_results(0)->set_content(std::string(11, 'a')); }, "TOO_LARGE",
        "results[0].content"},
       {[](Request& q) { q.mutable_results(0)->set_content("\xc3"); }, "FIELD_INVALID",
        "results[0].content"}});
}

}  // namespace
}  // namespace penstock::gateway
