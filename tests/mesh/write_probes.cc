#include <atomic>

#include "tests/mesh/probes.h"

#include "absl/strings/str_cat.h"

namespace penstock::mesh {
namespace {

using gateway::v1::Memories;
using gateway::v1::Sessions;
using gateway::v1::Turns;
using harness::Caller;

template <typename Response>
Seen SeenIn(const absl::StatusOr<Response>& answer) {
  return {answer.status(), answer.ok() ? answer->SerializeAsString() : ""};
}

Probe CancelTurn(const std::string& what, std::string Names::* name) {
  return {what, true, [name](const Caller& caller, const Names& names) {
            gateway::v1::CancelTurnRequest request;
            request.set_name(names.*name);
            return SeenIn(caller.Call(caller.turns(), &Turns::Stub::CancelTurn, request));
          }};
}

Probe SubmitToolResults(const std::string& what, std::string Names::* name) {
  return {what, true, [name](const Caller& caller, const Names& names) {
            gateway::v1::SubmitToolResultsRequest request;
            request.set_name(names.*name);
            request.add_results()->set_tool_call_id("call");
            return SeenIn(caller.Call(caller.turns(), &Turns::Stub::SubmitToolResults, request));
          }};
}

// A turn in a session that must exist.
template <typename Request>
Request Ask(const Names& names) {
  static std::atomic<int> count = 0;
  Request request;
  request.set_session(names.session);
  request.set_request_id(absl::StrCat("ask-", ++count));
  request.mutable_turn()->add_input()->mutable_text()->set_text("What is the secret word?");
  return request;
}

Seen StreamTurn(const Caller& caller, const Names& names) {
  Seen seen;
  const auto see = [&](const chat::v1::TurnEvent& event) {
    seen.responses += event.SerializeAsString();
    return true;
  };
  seen.status = caller.StreamTurn(Ask<gateway::v1::StreamTurnRequest>(names), see);
  return seen;
}

Seen RunTurn(const Caller& caller, const Names& names) {
  return SeenIn(
      caller.Call(caller.turns(), &Turns::Stub::RunTurn, Ask<gateway::v1::RunTurnRequest>(names)));
}

Seen SubmitTurn(const Caller& caller, const Names& names) {
  return SeenIn(caller.Call(caller.turns(), &Turns::Stub::SubmitTurn,
                            Ask<gateway::v1::SubmitTurnRequest>(names)));
}

Seen UpdateSession(const Caller& caller, const Names& names) {
  gateway::v1::UpdateSessionRequest request;
  request.mutable_session()->set_name(names.session);
  request.mutable_session()->set_display_name("mine now");
  request.mutable_update_mask()->add_paths("display_name");
  return SeenIn(caller.Call(caller.sessions(), &Sessions::Stub::UpdateSession, request));
}

Seen DeleteSession(const Caller& caller, const Names& names) {
  gateway::v1::DeleteSessionRequest request;
  request.set_name(names.session);
  return SeenIn(caller.Call(caller.sessions(), &Sessions::Stub::DeleteSession, request));
}

Seen DeleteMemory(const Caller& caller, const Names& names) {
  gateway::v1::DeleteMemoryRequest request;
  request.set_name(names.memory);
  return SeenIn(caller.Call(caller.memories(), &Memories::Stub::DeleteMemory, request));
}

}  // namespace

const Probes& WriteProbes() {
  static const auto* const probes = new Probes{
      {"penstock.gateway.v1.Turns.CancelTurn",
       {CancelTurn("ended", &Names::turn), CancelTurn("running", &Names::live_turn),
        CancelTurn("waiting", &Names::queued_turn)}},
      {"penstock.gateway.v1.Turns.SubmitToolResults",
       {SubmitToolResults("ended", &Names::turn), SubmitToolResults("running", &Names::live_turn),
        SubmitToolResults("waiting", &Names::queued_turn)}},
      {"penstock.gateway.v1.Turns.StreamTurn", {{"", true, StreamTurn}}},
      {"penstock.gateway.v1.Turns.RunTurn", {{"", true, RunTurn}}},
      {"penstock.gateway.v1.Turns.SubmitTurn", {{"", true, SubmitTurn}}},
      {"penstock.gateway.v1.Sessions.UpdateSession", {{"", true, UpdateSession}}},
      {"penstock.gateway.v1.Sessions.DeleteSession", {{"", true, DeleteSession}}},
      {"penstock.gateway.v1.Memories.DeleteMemory", {{"", true, DeleteMemory}}}};
  return *probes;
}

const std::vector<std::string>& CreatingRpcs() {
  static const auto* const rpcs = new std::vector<std::string>{
      "penstock.gateway.v1.Sessions.CreateSession", "penstock.gateway.v1.Memories.CreateMemory"};
  return *rpcs;
}

}  // namespace penstock::mesh
