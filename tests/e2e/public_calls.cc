#include "tests/e2e/public_calls.h"

#include <utility>

#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

using gateway::v1::Memories;
using gateway::v1::Sessions;
using gateway::v1::Turns;

std::string NameIn(const chat::v1::Turn& turn) { return turn.name(); }
template <class Response>
std::string NameIn(const Response&) {
  return "";
}
std::string MemoryIn(const chat::v1::Memory& memory) { return memory.name(); }
template <class Response>
std::string MemoryIn(const Response&) {
  return "";
}

template <class Stub, class Request, class Response>
CallAnswer Unary(const Speaker& speaker, Stub& stub,
                 grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
                 const Request& request) {
  const auto response = speaker.caller.Call(stub, rpc, request, speaker.timeout);
  if (!response.ok()) return {.status = response.status()};
  return {.status = absl::OkStatus(),
          .bytes = response->SerializeAsString(),
          .turn = NameIn(*response),
          .memory = MemoryIn(*response)};
}

template <class Request>
Request Ask(const Speaker& speaker, const CallNames& names) {
  Request request;
  request.set_session(names.session);
  request.set_request_id(speaker.unique);
  auto& turn = *request.mutable_turn();
  turn.add_input()->mutable_text()->set_text(
      absl::StrCat("My secret is ", speaker.canary, ". What is my secret?\n", names.directives));
  turn.set_create_session(names.create_session);
  (*turn.mutable_labels())["of"] = speaker.canary;
  return request;
}

// Adds up what a stream tells.
Caller::OnEvent Into(CallAnswer& answer, int events) {
  return [&answer, events](const chat::v1::TurnEvent& event) mutable {
    answer.bytes += event.SerializeAsString();
    if (event.has_accepted()) answer.turn = event.accepted().turn();
    return --events > 0;
  };
}

CallAnswer StreamTurn(const Speaker& speaker, const CallNames& names) {
  CallAnswer answer;
  answer.status = speaker.caller.StreamTurn(Ask<gateway::v1::StreamTurnRequest>(speaker, names),
                                            Into(answer, speaker.events), speaker.timeout);
  return answer;
}

CallAnswer WatchTurn(const Speaker& speaker, const CallNames& names) {
  gateway::v1::WatchTurnRequest request;
  request.set_name(names.turn);
  CallAnswer answer;
  answer.status = speaker.caller.WatchTurn(request, Into(answer, speaker.events), speaker.timeout);
  return answer;
}

CallAnswer SubmitToolResults(const Speaker& speaker, const CallNames& names) {
  gateway::v1::SubmitToolResultsRequest request;
  request.set_name(names.turn);
  request.set_request_id(speaker.unique);
  request.add_results()->set_tool_call_id("call");
  request.mutable_results(0)->set_content(speaker.canary);
  return Unary(speaker, speaker.caller.turns(), &Turns::Stub::SubmitToolResults, request);
}

CallAnswer ListTurns(const Speaker& speaker, const CallNames& names) {
  gateway::v1::ListTurnsRequest request;
  request.set_parent(names.session);
  return Unary(speaker, speaker.caller.turns(), &Turns::Stub::ListTurns, request);
}

CallAnswer CreateSession(const Speaker& speaker, const CallNames&) {
  gateway::v1::CreateSessionRequest request;
  request.set_session_id(speaker.unique);
  request.mutable_session()->set_display_name("Talk of " + speaker.canary);
  return Unary(speaker, speaker.caller.sessions(), &Sessions::Stub::CreateSession, request);
}

CallAnswer ListSessions(const Speaker& speaker, const CallNames&) {
  return Unary(speaker, speaker.caller.sessions(), &Sessions::Stub::ListSessions,
               gateway::v1::ListSessionsRequest());
}

CallAnswer UpdateSession(const Speaker& speaker, const CallNames& names) {
  gateway::v1::UpdateSessionRequest request;
  request.mutable_session()->set_name(names.session);
  request.mutable_session()->set_display_name("Talk of " + speaker.canary);
  request.mutable_update_mask()->add_paths("display_name");
  return Unary(speaker, speaker.caller.sessions(), &Sessions::Stub::UpdateSession, request);
}

CallAnswer CreateMemory(const Speaker& speaker, const CallNames&) {
  gateway::v1::CreateMemoryRequest request;
  request.set_request_id(speaker.unique);
  request.mutable_memory()->set_text("The secret word is " + speaker.canary);
  return Unary(speaker, speaker.caller.memories(), &Memories::Stub::CreateMemory, request);
}

CallAnswer ListMemories(const Speaker& speaker, const CallNames&) {
  return Unary(speaker, speaker.caller.memories(), &Memories::Stub::ListMemories,
               gateway::v1::ListMemoriesRequest());
}

// Words that everybody's memories hold.
CallAnswer SearchMemories(const Speaker& speaker, const CallNames&) {
  gateway::v1::SearchMemoriesRequest request;
  request.set_query("what is the secret word?");
  request.set_limit(100);
  return Unary(speaker, speaker.caller.memories(), &Memories::Stub::SearchMemories, request);
}

// An RPC that takes nothing but the name of a thing.
template <class Request, class Stub, class Response>
PublicCall OfName(Stub& (Caller::*stub)() const,
                  grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
                  std::string CallNames::* name) {
  return {true, [=](const Speaker& speaker, const CallNames& names) {
            Request request;
            request.set_name(names.*name);
            return Unary(speaker, (speaker.caller.*stub)(), rpc, request);
          }};
}

// RunTurn and SubmitTurn.
template <class Request>
PublicCall OfTurn(grpc::Status (Turns::Stub::*rpc)(grpc::ClientContext*, const Request&,
                                                   chat::v1::Turn*)) {
  return {true, [rpc](const Speaker& speaker, const CallNames& names) {
            return Unary(speaker, speaker.caller.turns(), rpc, Ask<Request>(speaker, names));
          }};
}

}  // namespace

std::string CallAnswer::Wire() const {
  return absl::StrCat(ToRpcStatus(status).SerializeAsString(), bytes);
}

const std::map<std::string, PublicCall>& PublicCalls() {
  static const auto* const calls = new std::map<std::string, PublicCall>{
      {"StreamTurn", {true, StreamTurn}},
      {"RunTurn", OfTurn(&Turns::Stub::RunTurn)},
      {"SubmitTurn", OfTurn(&Turns::Stub::SubmitTurn)},
      {"WatchTurn", {true, WatchTurn}},
      {"SubmitToolResults", {true, SubmitToolResults}},
      {"CancelTurn", OfName(&Caller::turns, &Turns::Stub::CancelTurn, &CallNames::turn)},
      {"GetTurn", OfName(&Caller::turns, &Turns::Stub::GetTurn, &CallNames::turn)},
      {"ListTurns", {true, ListTurns}},
      {"CreateSession", {false, CreateSession}},
      {"GetSession", OfName(&Caller::sessions, &Sessions::Stub::GetSession, &CallNames::session)},
      {"ListSessions", {false, ListSessions}},
      {"UpdateSession", {true, UpdateSession}},
      {"DeleteSession",
       OfName(&Caller::sessions, &Sessions::Stub::DeleteSession, &CallNames::session)},
      {"CreateMemory", {false, CreateMemory}},
      {"GetMemory", OfName(&Caller::memories, &Memories::Stub::GetMemory, &CallNames::memory)},
      {"ListMemories", {false, ListMemories}},
      {"SearchMemories", {false, SearchMemories}},
      {"DeleteMemory",
       OfName(&Caller::memories, &Memories::Stub::DeleteMemory, &CallNames::memory)}};
  return *calls;
}

}  // namespace penstock::harness
