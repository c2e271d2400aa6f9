// What the RPCs of Turns do.
#pragma once

#include "libs/host/environment.h"
#include "services/gateway/downstream.h"
#include "services/gateway/event_sink.h"
#include "services/gateway/input_guard.h"
#include "services/gateway/standing_refusals.h"
#include "services/gateway/turn_follower.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace penstock::gateway {

// Thread-safe. The arguments outlive it; `caller` outlives the call that it makes.
class TurnsRpc {
 public:
  TurnsRpc(const host::Environment& environment, const InputGuard& guard, Downstream& downstream);

  Awaitable<absl::Status> StreamTurn(const Caller& caller, v1::StreamTurnRequest request,
                                     EventSink& out);
  Awaitable<absl::Status> WatchTurn(const Caller& caller, v1::WatchTurnRequest request,
                                    EventSink& out);
  Awaitable<absl::StatusOr<chat::v1::Turn>> RunTurn(const Caller& caller,
                                                    v1::RunTurnRequest request);
  Awaitable<absl::StatusOr<chat::v1::Turn>> SubmitTurn(const Caller& caller,
                                                       v1::SubmitTurnRequest request);
  Awaitable<absl::StatusOr<chat::v1::Turn>> SubmitToolResults(const Caller& caller,
                                                              v1::SubmitToolResultsRequest request);
  Awaitable<absl::StatusOr<chat::v1::Turn>> CancelTurn(const Caller& caller,
                                                       v1::CancelTurnRequest request);
  Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(const Caller& caller,
                                                    v1::GetTurnRequest request);
  Awaitable<absl::StatusOr<v1::ListTurnsResponse>> ListTurns(const Caller& caller,
                                                             v1::ListTurnsRequest request);

 private:
  // Of StreamTurn and RunTurn: the call's deadline is the turn's.
  template <class Request>
  absl::StatusOr<Submission> Watched(const Caller& caller, Request request);
  absl::StatusOr<Submission> Job(const Caller& caller, v1::SubmitTurnRequest request);
  // The refusal that holds for such a turn; OK: the dispatcher decides.
  absl::Status MayBeAsked(const Caller& caller, Submission& submission);
  // Of a turn that is run to its end, or to its tools.
  Awaitable<absl::StatusOr<chat::v1::Turn>> Outcome(const Caller& caller, TurnFollower& turn);
  // Sends a request again whose id only the gateway knows, as long as its fate is unknown.
  template <class Request>
  Awaitable<absl::StatusOr<chat::v1::Turn>> Insist(
      const Caller& caller,
      Awaitable<absl::StatusOr<chat::v1::Turn>> (Downstream::*rpc)(const Caller&, Request),
      Request request, bool id_made_here);
  // Live or ended.
  Awaitable<absl::StatusOr<chat::v1::Turn>> Get(const Caller& caller, std::string name);
  // Hands on every event; drops the turn when nobody takes them.
  Awaitable<absl::Status> Relay(TurnFollower& turn, EventSink& out);

  const config::v1::Config& config_;
  Clock& clock_;
  Timers& timers_;
  const InputGuard& guard_;
  Downstream& downstream_;
  prometheus::Gauge& open_streams_;
  const FollowerParts follower_parts_;
  StandingRefusals standing_;
};

}  // namespace penstock::gateway
