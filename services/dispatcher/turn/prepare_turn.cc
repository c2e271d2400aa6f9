#include "services/dispatcher/turn/prepare_turn.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/async/both.h"
#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/turn/retry_policy.h"

namespace penstock::dispatcher {
namespace {

// One try at a store: longer means that it is in trouble, and the next try may meet it well.
constexpr absl::Duration kStoreCallTimeout = absl::Seconds(5);

// The agent was checked when the turn was accepted; after a restart with another configuration it
// may be gone.
absl::StatusOr<ResolvedAgent> AgentOf(const TurnServices& services, const LiveTurn& turn) {
  return services.agents.Resolve(turn.submitted().agent(), turn.submitted().spec());
}

session::v1::BeginTurnRequest BeginRequest(const TurnServices& services, const LiveTurn& turn,
                                           const session::v1::Fence& fence) {
  session::v1::BeginTurnRequest request;
  request.set_turn(turn.name());
  *request.mutable_fence() = fence;
  chat::v1::Turn& accepted = *request.mutable_accepted();
  accepted = turn.Snapshot();
  accepted.clear_output();
  accepted.clear_pending_tool_calls();
  accepted.clear_usage();
  accepted.clear_cost_nano_usd();
  request.mutable_context()->set_max_turns(services.config.session().max_history_turns());
  return request;
}

// What memories are looked for by: text alone.
google::protobuf::RepeatedPtrField<chat::v1::Part> WordsOf(const chat::v1::TurnSpec& spec) {
  google::protobuf::RepeatedPtrField<chat::v1::Part> words;
  for (const chat::v1::Part& part : spec.input()) {
    if (part.has_text()) *words.Add() = part;
  }
  return words;
}

bool RefusesPrefill(const config::v1::Model& model) {
  return std::find(model.refuses().begin(), model.refuses().end(), "prefill") !=
         model.refuses().end();
}

struct Recalled {
  std::vector<chat::v1::Memory> memories;
  bool degraded = false;
};

Awaitable<Recalled> Recall(const TurnServices& services, LiveTurn& turn,
                           const config::v1::Model& model) {
  Recalled recalled;
  const auto agent = AgentOf(services, turn);
  if (!agent.ok() || !agent->recall) co_return recalled;
  memory::v1::RecallRequest request;
  *request.mutable_input() = WordsOf(turn.submitted().spec());
  if (request.input().empty()) co_return recalled;
  request.set_max_memories(services.config.recall().max_memories());
  request.set_max_tokens(MemoryBudgetTokens(model));
  request.set_exclude_session(SessionName(turn.submitted().session_id()));
  const absl::Time budget = services.clock.Now() + FromProto(services.config.recall().timeout());
  auto response = co_await services.peers.memory.Recall(CallFor(turn, budget), std::move(request));
  if (!response.ok()) {
    services.metrics.recall_degraded.Increment();
    recalled.degraded = true;
    co_return recalled;
  }
  for (auto& scored : *response->mutable_memories()) {
    recalled.memories.push_back(std::move(*scored.mutable_memory()));
  }
  co_return recalled;
}

template <class Message>
std::vector<const Message*> PointersTo(const auto& messages) {
  std::vector<const Message*> pointers;
  pointers.reserve(static_cast<size_t>(messages.size()));
  for (const auto& message : messages) pointers.push_back(&message);
  return pointers;
}

absl::StatusOr<Prompt> PromptOf(const TurnServices& services, const LiveTurn& turn,
                                const config::v1::Model& model, const session::v1::Context& context,
                                const Recalled& recalled, bool at_tool_limit) {
  PENSTOCK_ASSIGN_OR_RETURN(const ResolvedAgent agent, AgentOf(services, turn));
  const auto history = PointersTo<chat::v1::Message>(context.history());
  const auto memories = PointersTo<chat::v1::Memory>(recalled.memories);
  const auto input = PointersTo<chat::v1::Part>(turn.submitted().spec().input());
  const std::vector<chat::v1::Message> so_far = turn.steps().Messages();
  return BuildPrompt({.agent = *agent.agent,
                      .model = model,
                      .overrides = turn.submitted().spec().overrides(),
                      .history = history,
                      .memories = memories,
                      .input = input,
                      .so_far = so_far,
                      .no_more_tools = at_tool_limit,
                      .token_factor = services.tokens.Factor(model.name())});
}

Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginUntil(
    const TurnServices& services, LiveTurn& turn, session::v1::BeginTurnRequest request,
    std::stop_token stop) {
  for (int32_t failures = 0;; ++failures) {
    PeerCall call = CallFor(turn, services.clock.Now() + kStoreCallTimeout);
    call.stop = stop;
    auto begun = co_await services.peers.session.BeginTurn(std::move(call), request);
    if (begun.ok() || !IsTransient(begun.status())) co_return begun;
    if (!co_await SleepOrStop(services.timers, PeerBackoff(failures), stop)) {
      co_return absl::CancelledError("the turn was stopped");
    }
  }
}

}  // namespace

PeerCall CallFor(const LiveTurn& turn, absl::Time deadline) {
  return {.principal = turn.principal(),
          .turn_id = turn.submitted().turn_id(),
          .traceparent = turn.submitted().traceparent(),
          .deadline = deadline,
          .stop = turn.stop_token()};
}

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginForSteps(
    const TurnServices& services, LiveTurn& turn, session::v1::Fence fence,
    std::stop_token shutdown) {
  session::v1::BeginTurnRequest request = BeginRequest(services, turn, fence);
  request.mutable_context()->set_max_turns(1);
  return BeginUntil(services, turn, std::move(request), std::move(shutdown));
}

Awaitable<absl::StatusOr<Prepared>> PrepareTurn(const TurnServices& services, LiveTurn& turn,
                                                const config::v1::Model& model,
                                                session::v1::Fence fence) {
  session::v1::BeginTurnRequest request = BeginRequest(services, turn, fence);
  if (const auto agent = AgentOf(services, turn); agent.ok()) {
    request.mutable_context()->set_max_tokens(
        HistoryBudgetTokens(*agent->agent, model, turn.submitted().spec().overrides()));
  }
  auto [begun, recalled] = co_await Both(
      services.executor, BeginUntil(services, turn, std::move(request), turn.stop_token()),
      Recall(services, turn, model));
  PENSTOCK_CO_RETURN_IF_ERROR(begun.status());
  PENSTOCK_FAILPOINT("dispatcher.after_begin");
  Prepared prepared;
  prepared.recall_degraded = recalled.degraded;
  if (begun->has_ended()) {
    prepared.ended = std::move(*begun->mutable_ended());
    co_return prepared;
  }
  prepared.at_tool_limit = turn.steps().tool_calls() >= services.config.turn().max_tool_calls();
  prepared.prompt =
      PromptOf(services, turn, model, begun->context(), recalled, prepared.at_tool_limit);
  if (const auto agent = AgentOf(services, turn); agent.ok() && prepared.prompt.ok()) {
    prepared.auto_bound = agent->agent->auto_max_tokens() && !RefusesPrefill(model) &&
                          prepared.prompt->request.tools().empty() &&
                          !prepared.prompt->request.generation().has_response_format();
  }
  co_return prepared;
}

}  // namespace penstock::dispatcher
