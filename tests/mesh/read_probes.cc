#include <utility>

#include "libs/base/refusal.h"
#include "tests/harness/canary.h"
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

Probe GetTurn(const std::string& what, std::string Names::* name) {
  return {what, true, [name](const Caller& caller, const Names& names) {
            gateway::v1::GetTurnRequest request;
            request.set_name(names.*name);
            return SeenIn(caller.Call(caller.turns(), &Turns::Stub::GetTurn, request));
          }};
}

// Reads until `enough` says so, or to the end: a live turn has none.
Probe WatchTurn(const std::string& what, std::string Names::* name,
                bool (*enough)(const std::string& text, const chat::v1::TurnEvent& event)) {
  return {what, true, [=](const Caller& caller, const Names& names) {
            gateway::v1::WatchTurnRequest request;
            request.set_name(names.*name);
            Seen seen;
            std::string text;
            const auto see = [&](const chat::v1::TurnEvent& event) {
              seen.responses += event.SerializeAsString();
              text += event.delta().text();
              return !enough(text, event);
            };
            seen.status = caller.WatchTurn(request, see);
            return seen;
          }};
}

std::vector<Probe> WatchTurnProbes() {
  const auto never = [](const std::string&, const chat::v1::TurnEvent&) { return false; };
  const auto shown = [](const std::string& text, const chat::v1::TurnEvent&) {
    return !harness::CanariesIn(text).empty();
  };
  const auto accepted = [](const std::string&, const chat::v1::TurnEvent& event) {
    return event.has_accepted();
  };
  Probe waiting = WatchTurn("waiting", &Names::queued_turn, accepted);
  waiting.shows_what_was_said = false;
  return {WatchTurn("ended", &Names::turn, never), WatchTurn("running", &Names::live_turn, shown),
          std::move(waiting)};
}

Probe ListTurns(const std::string& what, bool names_a_thing,
                std::function<void(const Names&, gateway::v1::ListTurnsRequest&)> fill) {
  return {what, names_a_thing, [fill = std::move(fill)](const Caller& caller, const Names& names) {
            gateway::v1::ListTurnsRequest request;
            fill(names, request);
            return SeenIn(caller.Call(caller.turns(), &Turns::Stub::ListTurns, request));
          }};
}

std::vector<Probe> ListTurnsProbes() {
  return {
      ListTurns("of the session that all have", false,
                [](const Names& names, auto& request) { request.set_parent(names.same_session); }),
      ListTurns("of all sessions", false,
                [](const Names&, auto& request) { request.set_parent("sessions/-"); }),
      ListTurns("of one's own session", true,
                [](const Names& names, auto& request) { request.set_parent(names.session); }),
      ListTurns("of a session with live turns", true,
                [](const Names& names, auto& request) {
                  request.set_parent(names.live_turn.substr(0, names.live_turn.find("/turns")));
                }),
      ListTurns("by request_id", false,
                [](const Names&, auto& request) {
                  request.set_parent("sessions/-");
                  request.set_request_id("request-2");
                }),
      ListTurns("second page", false, [](const Names& names, auto& request) {
        request.set_parent(names.same_session);
        request.set_page_size(1);
        request.set_page_token(names.turns_page);
      })};
}

Probe GetSession(const std::string& what, bool names_a_thing, std::string Names::* name) {
  return {what, names_a_thing, [name](const Caller& caller, const Names& names) {
            gateway::v1::GetSessionRequest request;
            request.set_name(names.*name);
            return SeenIn(caller.Call(caller.sessions(), &Sessions::Stub::GetSession, request));
          }};
}

Probe ListSessions(const std::string& what, int page_size, std::string Names::* page) {
  return {what, false, [=](const Caller& caller, const Names& names) {
            gateway::v1::ListSessionsRequest request;
            request.set_page_size(page_size);
            if (page != nullptr) request.set_page_token(names.*page);
            return SeenIn(caller.Call(caller.sessions(), &Sessions::Stub::ListSessions, request));
          }};
}

Probe GetMemory() {
  return {"", true, [](const Caller& caller, const Names& names) {
            gateway::v1::GetMemoryRequest request;
            request.set_name(names.memory);
            return SeenIn(caller.Call(caller.memories(), &Memories::Stub::GetMemory, request));
          }};
}

Probe ListMemories(const std::string& what, int page_size, std::string Names::* page) {
  return {what, false, [=](const Caller& caller, const Names& names) {
            gateway::v1::ListMemoriesRequest request;
            request.set_page_size(page_size);
            if (page != nullptr) request.set_page_token(names.*page);
            return SeenIn(caller.Call(caller.memories(), &Memories::Stub::ListMemories, request));
          }};
}

// Every user's memories hold these words.
Probe SearchMemories(const std::string& query) {
  return {query, false, [query](const Caller& caller, const Names&) {
            gateway::v1::SearchMemoriesRequest request;
            request.set_query(query);
            request.set_limit(100);
            return SeenIn(caller.Call(caller.memories(), &Memories::Stub::SearchMemories, request));
          }};
}

}  // namespace

std::string Seen::Wire() const {
  return absl::StrCat(ToRpcStatus(status).SerializeAsString(), responses);
}

const Probes& ReadProbes() {
  static const auto* const probes = new Probes{
      {"penstock.gateway.v1.Turns.GetTurn",
       {GetTurn("ended", &Names::turn), GetTurn("running", &Names::live_turn),
        GetTurn("waiting", &Names::queued_turn)}},
      {"penstock.gateway.v1.Turns.WatchTurn", WatchTurnProbes()},
      {"penstock.gateway.v1.Turns.ListTurns", ListTurnsProbes()},
      {"penstock.gateway.v1.Sessions.GetSession",
       {GetSession("that all have", false, &Names::same_session),
        GetSession("one's own", true, &Names::session)}},
      {"penstock.gateway.v1.Sessions.ListSessions",
       {ListSessions("all", 0, nullptr), ListSessions("second page", 1, &Names::sessions_page)}},
      {"penstock.gateway.v1.Memories.GetMemory", {GetMemory()}},
      {"penstock.gateway.v1.Memories.ListMemories",
       {ListMemories("all", 0, nullptr), ListMemories("second page", 1, &Names::memories_page)}},
      {"penstock.gateway.v1.Memories.SearchMemories",
       {SearchMemories("secret"), SearchMemories("what is the secret word?")}}};
  return *probes;
}

}  // namespace penstock::mesh
