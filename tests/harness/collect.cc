#include "tests/harness/collect.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/base/status_macros.h"
#include "tests/harness/follower.h"
#include "tests/harness/repeat.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;

bool AnyLive(const std::vector<Turn>& turns) {
  return std::any_of(turns.begin(), turns.end(),
                     [](const Turn& turn) { return !IsTerminal(turn.state()); });
}

std::vector<std::string> ToolResultsOf(const Turn& turn) {
  std::vector<std::string> results;
  for (const auto& message : turn.output()) {
    for (const auto& part : message.parts()) {
      if (part.has_tool_result()) results.push_back(part.tool_result().content());
    }
  }
  return results;
}

// Of the newest message's directive.
absl::Duration FirstTokenDelay(absl::string_view prompt) {
  constexpr absl::string_view kDirective = "/sim delay ";
  const size_t at = prompt.rfind(kDirective);
  if (at == absl::string_view::npos) return absl::ZeroDuration();
  const absl::string_view rest = prompt.substr(at + kDirective.size());
  int milliseconds = 0;
  if (!absl::SimpleAtoi(rest.substr(0, rest.find('\n')), &milliseconds)) {
    return absl::ZeroDuration();
  }
  return absl::Milliseconds(milliseconds);
}

// Every step before it is an assistant's message after the newest of the user.
int StepOf(const ProviderRequest& request) {
  int step = 0;
  for (const PromptMessage& message : request.messages) {
    if (message.role == "user") step = 0;
    if (message.role == "assistant") ++step;
  }
  return step;
}

}  // namespace

absl::Status CollectStored(const Caller& caller, const std::string& user, absl::Time give_up,
                           History& history) {
  absl::StatusOr<std::vector<Turn>> turns = caller.AllTurns("sessions/-");
  while ((!turns.ok() || AnyLive(*turns)) && absl::Now() < give_up) {
    WaitToRepeat(turns.status());
    turns = caller.AllTurns("sessions/-");
  }
  PENSTOCK_RETURN_IF_ERROR(turns.status());
  for (const Turn& turn : *turns) {
    history.stored.push_back({.user = user,
                              .name = turn.name(),
                              .sequence = turn.sequence(),
                              .state = turn.state(),
                              .request_id = turn.request_id(),
                              .input = InputText(turn),
                              .output = OutputText(turn),
                              .tool_results = ToolResultsOf(turn)});
    PENSTOCK_ASSIGN_OR_RETURN(const Turn same, caller.GetTurn(turn.name()));
    if (IsTerminal(same.state())) history.outcomes.push_back(OutcomeOf(same, "GetTurn"));
  }
  return absl::OkStatus();
}

absl::Status CollectKept(const Caller& caller, const std::string& user, absl::Time give_up,
                         History& history) {
  gateway::v1::ListSessionsRequest sessions;
  do {
    PENSTOCK_ASSIGN_OR_RETURN(const auto page, UntilKnown(give_up, [&] {
                                return caller.Call(caller.sessions(),
                                                   &gateway::v1::Sessions::Stub::ListSessions,
                                                   sessions, kCallTimeout);
                              }));
    for (const auto& session : page.sessions()) history.kept.emplace_back(user, session.name());
    sessions.set_page_token(page.next_page_token());
  } while (!sessions.page_token().empty());
  gateway::v1::ListMemoriesRequest memories;
  do {
    PENSTOCK_ASSIGN_OR_RETURN(const auto page, UntilKnown(give_up, [&] {
                                return caller.Call(caller.memories(),
                                                   &gateway::v1::Memories::Stub::ListMemories,
                                                   memories, kCallTimeout);
                              }));
    for (const auto& memory : page.memories()) history.kept.emplace_back(user, memory.name());
    memories.set_page_token(page.next_page_token());
  } while (!memories.page_token().empty());
  return absl::OkStatus();
}

absl::Status CollectProviderCalls(const Simulator& simulator, History& history) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto requests, simulator.Requests());
  for (const ProviderRequest& request : requests) {
    std::string text;
    for (const PromptMessage& message : request.messages) {
      absl::StrAppend(&text, message.text, "\n");
    }
    history.provider_calls.push_back({.turn = request.turn,
                                      .attempt = request.attempt,
                                      .start = absl::FromUnixMicros(request.start_us),
                                      .text = std::move(text)});
    ProviderCall& call = history.provider_calls.back();
    call.first_token = call.start + FirstTokenDelay(call.text);
    if (request.end_us != 0) call.end = absl::FromUnixMicros(request.end_us);
    call.completed = request.outcome == "completed";
    call.step = StepOf(request);
  }
  return absl::OkStatus();
}

}  // namespace penstock::harness
