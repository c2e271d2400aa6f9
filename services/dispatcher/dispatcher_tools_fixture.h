// Turns whose models call their caller's tools, for tests.
#pragma once

#include "services/dispatcher/dispatcher_fixture.h"

namespace penstock::dispatcher {

class ToolsTest : public DispatcherCoreTest {
 protected:
  using Ids = std::vector<std::string>;

  // The next answer of the model calls a tool for each id.
  void NextCalls(const Ids& ids) {
    std::vector<std::pair<std::string, std::string>> calls;
    for (const auto& id : ids) calls.emplace_back(id, "look_up");
    provider_.Next(FakeProviderPeer::Calls("let me see", calls));
  }
  void NextHangs(const std::string& text = "") {
    FakeProviderPeer::Script script{.events = {}, .end = {}, .hangs = true};
    if (!text.empty()) script.events.push_back(FakeProviderPeer::Delta(text));
    provider_.Next(script);
  }

  Turn::State StateOf(const std::string& name) {
    const auto turn = Run(core_->Get(principal_, name));
    return turn.ok() ? turn->state() : Turn::STATE_UNSPECIFIED;
  }
  bool Reaches(const std::string& name, Turn::State state) {
    return Eventually([&] { return StateOf(name) == state; });
  }
  // A turn that waits for the results of these calls.
  std::string Awaiting(const Ids& ids = {"c1"}, const std::string& session = "s1") {
    NextCalls(ids);
    const std::string name = Accepted(Request("where?", session));
    EXPECT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
    return name;
  }

  static v1::SubmitToolResultsRequest ResultsOf(const std::string& name, const Ids& ids,
                                                const std::string& request_id = "") {
    v1::SubmitToolResultsRequest request;
    request.set_name(name);
    request.set_request_id(request_id);
    for (const auto& id : ids) {
      auto* result = request.add_results();
      result->set_tool_call_id(id);
      result->set_content("result of " + id);
    }
    return request;
  }
  absl::StatusOr<Turn> SubmitResults(v1::SubmitToolResultsRequest request) {
    return Run(core_->SubmitToolResults(principal_, std::move(request), {}));
  }
  absl::StatusOr<Turn> SubmitResults(const std::string& name, const Ids& ids = {"c1"}) {
    return SubmitResults(ResultsOf(name, ids));
  }
  absl::Status Cancel(const std::string& name) {
    v1::CancelTurnRequest cancel;
    cancel.set_name(name);
    return Run(core_->Cancel(principal_, cancel)).status();
  }

  // "call c1", "result of c1", "text", in order of the output's parts; errors begin with "error".
  static std::vector<std::string> OutputOf(const Turn& turn) {
    std::vector<std::string> parts;
    for (const auto& message : turn.output()) {
      for (const auto& part : message.parts()) {
        if (part.has_text()) parts.push_back(part.text().text());
        if (part.has_tool_call()) parts.push_back("call " + part.tool_call().id());
        if (part.has_tool_result()) {
          EXPECT_EQ(message.role(), chat::v1::TOOL);
          parts.push_back(part.tool_result().is_error()
                              ? "error for " + part.tool_result().tool_call_id()
                              : part.tool_result().content());
        }
      }
    }
    return parts;
  }
};

}  // namespace penstock::dispatcher
