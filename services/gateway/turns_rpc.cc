#include "services/gateway/turns_rpc.h"

#include <algorithm>
#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/gateway/public_status.h"
#include "services/gateway/public_turn.h"
#include "services/gateway/stall_watch.h"
#include "services/gateway/turn_list.h"

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;

// How long a request whose id only the gateway knows is sent again.
constexpr absl::Duration kRepeatFor = absl::Seconds(10);

class Counted {
 public:
  explicit Counted(prometheus::Gauge& gauge) : gauge_(gauge) { gauge_.Increment(); }
  ~Counted() { gauge_.Decrement(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  prometheus::Gauge& gauge_;
};

AlikeTurns AlikeTo(const Caller& caller, const Submission& submission) {
  const chat::v1::TurnSpec& turn = submission.request.turn();
  return {.tenant = caller.principal.tenant,
          .tier = caller.principal.tier,
          .urgency = turn.urgency(),
          .agent = turn.agent(),
          .model = turn.overrides().model()};
}

absl::Status SlowReader(absl::Duration timeout) {
  return Refusal(absl::StatusCode::kResourceExhausted, "SLOW_READER",
                 absl::StrCat("the stream took nothing for ", absl::FormatDuration(timeout),
                              "; go on with WatchTurn from the last index"))
      .RetryAfter(absl::ZeroDuration());
}

}  // namespace

TurnsRpc::TurnsRpc(const host::Environment& environment, const InputGuard& guard,
                   Downstream& downstream)
    : config_(environment.config),
      clock_(environment.clock),
      timers_(environment.timers),
      guard_(guard),
      downstream_(downstream),
      open_streams_(environment.metrics.AddGauge("penstock_gateway_open_streams",
                                                 "Turns that callers stream, watch or wait for.")),
      follower_parts_{downstream_, clock_, timers_,
                      environment.metrics.AddCounter(
                          "penstock_gateway_reattachments_total",
                          "Broken streams of the dispatcher that were taken up again.")},
      standing_(environment.clock, environment.metrics) {}

Awaitable<absl::Status> TurnsRpc::StreamTurn(const Caller& caller, v1::StreamTurnRequest request,
                                             EventSink& out) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(Submission submission, Watched(caller, std::move(request)));
  const AlikeTurns alike = AlikeTo(caller, submission);
  TurnFollower turn(follower_parts_, caller, std::move(submission), /*outcome_only=*/false);
  const absl::Status ended = co_await Relay(turn, out);
  standing_.Note(alike, ended);
  co_return ended;
}

Awaitable<absl::Status> TurnsRpc::WatchTurn(const Caller& caller, v1::WatchTurnRequest request,
                                            EventSink& out) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  TurnFollower turn(follower_parts_, caller, request.name(), request.after_index());
  co_return co_await Relay(turn, out);
}

Awaitable<absl::StatusOr<Turn>> TurnsRpc::RunTurn(const Caller& caller,
                                                  v1::RunTurnRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(Submission submission, Watched(caller, std::move(request)));
  const AlikeTurns alike = AlikeTo(caller, submission);
  TurnFollower turn(follower_parts_, caller, std::move(submission), /*outcome_only=*/true);
  auto outcome = co_await Outcome(caller, turn);
  standing_.Note(alike, outcome.status());
  co_return outcome;
}

Awaitable<absl::StatusOr<Turn>> TurnsRpc::Outcome(const Caller& caller, TurnFollower& turn) {
  const Counted counted(open_streams_);
  while (true) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(std::optional<TurnEvent> event, co_await turn.Next());
    if (!event) co_return absl::InternalError("the turn's events ended before the turn");
    if (event->has_finished()) co_return std::move(*event->mutable_finished()->mutable_turn());
    if (!event->has_tool_calls_requested()) continue;
    // It may have been answered since: then the turn goes on, and so does the wait.
    PENSTOCK_CO_ASSIGN_OR_RETURN(Turn now, co_await Get(caller, turn.name()));
    if (now.state() == Turn::AWAITING_TOOLS) co_return now;
  }
}

Awaitable<absl::StatusOr<Turn>> TurnsRpc::SubmitTurn(const Caller& caller,
                                                     v1::SubmitTurnRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const Submission submission, Job(caller, std::move(request)));
  auto turn =
      co_await Insist(caller, &Downstream::SubmitTurn, submission.request, submission.id_made_here);
  standing_.Note(AlikeTo(caller, submission), turn.status());
  co_return turn;
}

Awaitable<absl::StatusOr<Turn>> TurnsRpc::SubmitToolResults(const Caller& caller,
                                                            v1::SubmitToolResultsRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  const bool id_made_here = request.request_id().empty();
  dispatcher::v1::SubmitToolResultsRequest submit;
  submit.set_name(request.name());
  submit.set_request_id(id_made_here ? NewId(clock_.Now()) : request.request_id());
  *submit.mutable_results() = std::move(*request.mutable_results());
  co_return co_await Insist(caller, &Downstream::SubmitToolResults, std::move(submit),
                            id_made_here);
}

template <class Request>
Awaitable<absl::StatusOr<Turn>> TurnsRpc::Insist(
    const Caller& caller,
    Awaitable<absl::StatusOr<Turn>> (Downstream::*rpc)(const Caller&, Request), Request request,
    bool id_made_here) {
  const absl::Duration started = clock_.Monotonic();
  Backoff backoff(absl::HashOf(request.request_id()));
  while (true) {
    auto turn = co_await (downstream_.*rpc)(caller, request);
    PENSTOCK_FAILPOINT("gateway.before_submit_reply");
    if (turn.ok()) co_return turn;
    if (!id_made_here || !IsForSuccessor(turn.status())) {
      co_return PublicStatus(turn.status(), identity::kDispatcherAudience, caller.trace);
    }
    const bool gone = !co_await SleepOrStop(timers_, backoff.Next(), caller.stop);
    if (gone || clock_.Monotonic() - started >= kRepeatFor) {
      co_return UnknownFate(request.request_id());
    }
  }
}

Awaitable<absl::StatusOr<Turn>> TurnsRpc::CancelTurn(const Caller& caller,
                                                     v1::CancelTurnRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  dispatcher::v1::CancelTurnRequest cancel;
  cancel.set_name(request.name());
  cancel.set_discard_output(request.discard_output());
  co_return co_await downstream_.CancelTurn(caller, std::move(cancel));
}

Awaitable<absl::StatusOr<Turn>> TurnsRpc::GetTurn(const Caller& caller,
                                                  v1::GetTurnRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  co_return co_await Get(caller, request.name());
}

Awaitable<absl::StatusOr<Turn>> TurnsRpc::Get(const Caller& caller, std::string name) {
  dispatcher::v1::GetTurnRequest live;
  live.set_name(name);
  auto turn = co_await downstream_.GetLiveTurn(caller, std::move(live));
  if (turn.ok() || !absl::IsNotFound(turn.status())) co_return turn;
  session::v1::GetTurnRequest ended;
  ended.set_name(std::move(name));
  co_return co_await downstream_.GetEndedTurn(caller, std::move(ended));
}

Awaitable<absl::StatusOr<v1::ListTurnsResponse>> TurnsRpc::ListTurns(const Caller& caller,
                                                                     v1::ListTurnsRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  const identity::UserKey user = caller.principal.key;
  PENSTOCK_CO_ASSIGN_OR_RETURN(const TurnListPosition position, DecodePageToken(user, request));
  TurnListSources sources;

  const auto& states = request.states();
  if (states.empty() || std::any_of(states.begin(), states.end(), IsLive)) {
    dispatcher::v1::ListLiveTurnsRequest live;
    live.set_parent(request.parent());
    PENSTOCK_CO_ASSIGN_OR_RETURN(auto answer,
                                 co_await downstream_.ListLiveTurns(caller, std::move(live)));
    for (Turn& turn : *answer.mutable_turns()) {
      if (IsWanted(request, turn)) sources.live.push_back(std::move(turn));
    }
  }

  session::v1::ListTurnsRequest ended;
  ended.set_parent(request.parent());
  ended.set_page_size(request.page_size());
  ended.set_page_token(position.ended_token);
  *ended.mutable_states() = states;
  ended.set_request_id(request.request_id());
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto answer,
                               co_await downstream_.ListEndedTurns(caller, std::move(ended)));
  for (Turn& turn : *answer.mutable_turns()) sources.ended.push_back(std::move(turn));
  sources.ended_next = answer.next_page_token();

  TurnListPage page = MergeTurns(request, position, std::move(sources));
  for (Turn& turn : page.turns) {
    if (!IsInShort(turn)) continue;
    auto whole = co_await Get(caller, turn.name());
    // It may have been deleted since.
    if (whole.ok()) turn = *std::move(whole);
  }
  CutPage(request, position, page);
  v1::ListTurnsResponse response;
  for (Turn& turn : page.turns) *response.add_turns() = std::move(turn);
  if (page.next) response.set_next_page_token(EncodePageToken(user, request, *page.next));
  co_return response;
}

template <class Request>
absl::StatusOr<Submission> TurnsRpc::Watched(const Caller& caller, Request request) {
  PENSTOCK_RETURN_IF_ERROR(guard_.Check(request));
  PENSTOCK_RETURN_IF_ERROR(InputGuard::CheckScopes(caller.principal, request.turn()));
  const absl::Time now = clock_.Now();
  const absl::Time deadline =
      std::min(caller.deadline, now + FromProto(config_.turn().max_duration()));
  PENSTOCK_ASSIGN_OR_RETURN(Submission submission,
                            MakeSubmission(caller, request.session(), request.request_id(),
                                           std::move(*request.mutable_turn()), deadline, now));
  PENSTOCK_RETURN_IF_ERROR(MayBeAsked(caller, submission));
  return submission;
}

absl::StatusOr<Submission> TurnsRpc::Job(const Caller& caller, v1::SubmitTurnRequest request) {
  PENSTOCK_RETURN_IF_ERROR(guard_.Check(request));
  PENSTOCK_RETURN_IF_ERROR(InputGuard::CheckScopes(caller.principal, request.turn()));
  absl::Duration timeout = FromProto(config_.job().max_duration());
  if (request.has_timeout()) timeout = std::min(timeout, FromProto(request.timeout()));
  const absl::Time now = clock_.Now();
  PENSTOCK_ASSIGN_OR_RETURN(Submission submission,
                            MakeSubmission(caller, request.session(), request.request_id(),
                                           std::move(*request.mutable_turn()), now + timeout, now));
  submission.request.set_job(true);
  PENSTOCK_RETURN_IF_ERROR(MayBeAsked(caller, submission));
  return submission;
}

absl::Status TurnsRpc::MayBeAsked(const Caller& caller, Submission& submission) {
  const AlikeTurns alike = AlikeTo(caller, submission);
  if (submission.id_made_here) {
    if (auto refusal = standing_.Repeat(alike)) {
      if (caller.submitting != nullptr) caller.submitting->Withdraw();
      return *std::move(refusal);
    }
  }
  submission.request.set_refused_alike(standing_.TakeCount(alike));
  return absl::OkStatus();
}

Awaitable<absl::Status> TurnsRpc::Relay(TurnFollower& turn, EventSink& out) {
  const Counted counted(open_streams_);
  const absl::Duration stall_timeout = FromProto(config_.stream().stall_timeout());
  StallWatch stall(timers_, clock_, stall_timeout, [&turn] { turn.Cancel(); });
  while (true) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(std::optional<TurnEvent> event, co_await turn.Next());
    if (!event) co_return absl::OkStatus();
    MakePublic(*event);
    if (event->has_finished()) PENSTOCK_FAILPOINT("gateway.before_finished");
    stall.Begin();
    const absl::Status written = co_await out.Write(*event);
    if (event->has_accepted()) PENSTOCK_FAILPOINT("gateway.after_accepted");
    if (event->has_delta()) PENSTOCK_FAILPOINT("gateway.after_delta");
    if (stall.End()) co_return SlowReader(stall_timeout);
    PENSTOCK_CO_RETURN_IF_ERROR(written);
  }
}

}  // namespace penstock::gateway
