#include "services/dispatcher/admission/admission.h"

#include <algorithm>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/admission/expected_amount.h"
#include "services/dispatcher/admission/find_request.h"
#include "services/dispatcher/admission/max_wait.h"
#include "services/dispatcher/admission/refusals.h"
#include "services/dispatcher/admission/request_digest.h"
#include "services/dispatcher/admission/room.h"
#include "services/dispatcher/turn/prompt.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

// Whether a turn is of class FIRST is not known yet.
chat::v1::TurnClass ClassFor(const config::v1::Tier& tier, chat::v1::Urgency urgency) {
  switch (urgency) {
    case chat::v1::ACTION:
      return chat::v1::CLASS_ACTION;
    case chat::v1::BATCH:
      return chat::v1::CLASS_BATCH;
    default:
      return ClassOf(tier);
  }
}

absl::Status CheckScope(const identity::Principal& principal, chat::v1::Urgency urgency) {
  if (urgency != chat::v1::ACTION || principal.HasScope("turns.action")) return absl::OkStatus();
  return Refusal(absl::StatusCode::kPermissionDenied, "SCOPE_MISSING",
                 "turn.urgency ACTION needs a token with scope turns.action")
      .With("scope", "turns.action");
}

// The pool is too full, or would be too slow.
bool IsForWantOfRoom(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  return reason == "QUEUE_FULL" || reason == "WAIT_TOO_LONG";
}

std::string InMilliseconds(absl::Duration time) {
  return absl::FormatDuration(absl::Ceil(time, absl::Milliseconds(1)));
}

absl::Status SessionNotFound(const std::string& name) {
  return Refusal(absl::StatusCode::kNotFound, "SESSION_NOT_FOUND",
                 absl::StrCat(name, ": not found; create it, or set turn.create_session"))
      .With("name", name);
}

v1::Submitted SubmittedOf(const identity::Principal& principal, v1::SubmitTurnRequest request,
                          std::string session_id, std::string turn_id, absl::Time now) {
  v1::Submitted submitted;
  submitted.set_tenant(principal.tenant);
  submitted.set_user(principal.user);
  submitted.set_tier(principal.tier);
  for (const auto& scope : principal.scopes) submitted.add_scopes(scope);
  *submitted.mutable_admitted() = ToProto(principal.admitted);
  submitted.set_session_id(std::move(session_id));
  submitted.set_turn_id(std::move(turn_id));
  submitted.set_request_id(request.request_id());
  submitted.set_estimated_tokens(EstimatedInput(request.turn()));
  *submitted.mutable_spec() = std::move(*request.mutable_turn());
  *submitted.mutable_create_time() = ToProto(now);
  *submitted.mutable_deadline() = request.deadline();
  submitted.set_job(request.job());
  return submitted;
}

}  // namespace

Awaitable<absl::StatusOr<Submission>> Admission::Submit(Shard& shard, identity::Principal principal,
                                                        v1::SubmitTurnRequest request,
                                                        std::string traceparent, bool watched) {
  const chat::v1::TurnClass wanted = WantedClass(principal, request.turn().urgency());
  refusals_.CountFull(wanted, request.refused_alike());
  auto submission = co_await TakeOnce(shard, std::move(principal), std::move(request),
                                      std::move(traceparent), watched);
  refusals_.Count(submission.status(), wanted);
  co_return submission;
}

absl::Status Admission::Refuse(absl::Status why, const identity::Principal& principal,
                               chat::v1::Urgency urgency) const {
  refusals_.Count(why, WantedClass(principal, urgency));
  return why;
}

void Admission::Reload(const config::v1::Queue& queue) {
  action_share_.SetShare(queue.max_action_share());
  first_share_.SetShare(queue.max_first_share());
}

void Admission::DropOld() {
  const absl::Duration now = services_.clock.Monotonic();
  action_share_.DropOld(now);
  first_share_.DropOld(now);
}

chat::v1::TurnClass Admission::WantedClass(const identity::Principal& principal,
                                           chat::v1::Urgency urgency) const {
  const auto policy = services_.policy.Get();
  const auto tier = policy->tiers.TierOf(principal);
  return ClassFor(tier.ok() ? **tier : config::v1::Tier(), urgency);
}

Awaitable<absl::StatusOr<Submission>> Admission::TakeOnce(Shard& shard,
                                                          identity::Principal principal,
                                                          v1::SubmitTurnRequest request,
                                                          std::string traceparent, bool watched) {
  PENSTOCK_CO_RETURN_IF_ERROR(shard.CheckOwned());
  PENSTOCK_CO_ASSIGN_OR_RETURN(const std::string session_id,
                               ParseSessionName(request.session(), "session"));
  const std::string digest = RequestDigest(session_id, request.turn());
  const std::string request_id = request.request_id();
  const identity::UserKey user = principal.key;
  if (request_id.empty()) {
    co_return co_await Admit(shard, std::move(principal), std::move(request), digest,
                             std::move(traceparent), watched);
  }
  while (!co_await shard.joins().Begin(user, request_id)) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(auto known, co_await Known(shard, user, request, digest));
    if (known) co_return *std::move(known);
  }
  absl::StatusOr<Submission> submission;
  auto known = co_await Known(shard, user, request, digest);
  if (!known.ok()) {
    submission = known.status();
  } else if (*known) {
    submission = **std::move(known);
  } else {
    submission = co_await Admit(shard, std::move(principal), std::move(request), digest,
                                std::move(traceparent), watched);
  }
  shard.joins().End(user, request_id);
  co_return submission;
}

Awaitable<absl::StatusOr<std::optional<Submission>>> Admission::Known(
    Shard& shard, identity::UserKey user, const v1::SubmitTurnRequest& request,
    std::string digest) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const auto row, co_await FindRequest(context_.journal, user, request.request_id(), digest,
                                           services_.clock.Now()));
  if (!row) co_return std::nullopt;
  co_return Submission{TurnName(row->session_id(), row->turn_id()),
                       shard.FindTurn(TurnKey(user, row->turn_id()))};
}

Awaitable<absl::StatusOr<Admission::Setting>> Admission::Resolve(
    Shard& shard, SessionKey key, const v1::SubmitTurnRequest& request, PeerCall call) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto entry, co_await shard.Resolve(key, std::move(call)));
  const bool exists = shard.Exists(*entry);
  if (!exists && !request.turn().create_session()) co_return SessionNotFound(request.session());
  const std::string wanted =
      request.turn().agent().empty() ? shard.AgentOf(*entry) : request.turn().agent();
  PENSTOCK_CO_ASSIGN_OR_RETURN(const ResolvedAgent agent,
                               services_.agents.Resolve(wanted, request.turn()));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckPossible(agent, request.turn()));
  co_return Setting{.entry = std::move(entry), .exists = exists, .agent = agent};
}

Awaitable<absl::StatusOr<Submission>> Admission::Admit(Shard& shard, identity::Principal principal,
                                                       v1::SubmitTurnRequest request,
                                                       std::string digest, std::string traceparent,
                                                       bool watched) {
  const absl::Time now = services_.clock.Now();
  const absl::Time deadline = FromProto(request.deadline());
  if (deadline <= now) {
    co_return Refusal(absl::StatusCode::kDeadlineExceeded, "DEADLINE_IN_PAST",
                      absl::StrCat("deadline: found ", absl::FormatTime(deadline),
                                   ", which has passed; allow the turn more time"));
  }
  // Tier and tenant are parts of it.
  const auto policy = services_.policy.Get();
  PENSTOCK_CO_ASSIGN_OR_RETURN(const config::v1::Tier* const tier, policy->tiers.TierOf(principal));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckScope(principal, request.turn().urgency()));
  chat::v1::TurnClass turn_class = ClassFor(*tier, request.turn().urgency());
  const std::string tenant = principal.tenant;
  const TurnInLine in_line = TurnInLineOf(turn_class, tenant, principal.key);
  PENSTOCK_CO_RETURN_IF_ERROR(
      CheckRoom(services_, context_.depths, request.turn(), in_line, 1 + request.refused_alike()));
  const SessionKey key(principal.key, request.session().substr(request.session().find('/') + 1));
  PeerCall call{principal, "", traceparent, std::min(deadline, now + absl::Seconds(5)), {}};
  PENSTOCK_CO_ASSIGN_OR_RETURN(const Setting setting, co_await Resolve(shard, key, request, call));
  const ResolvedAgent& agent = setting.agent;
  Arbiter& pool = *services_.pools.at(agent.model->name());
  if (request.refused_alike() > 0) pool.CountRefused(turn_class, request.refused_alike());

  const absl::Duration started = services_.clock.Monotonic();
  TenantShare::Part action;
  if (turn_class == chat::v1::CLASS_ACTION) action = action_share_.Take(tenant, started);
  if (turn_class == chat::v1::CLASS_ACTION && !action) {
    services_.metrics.actions_demoted.Increment();
    turn_class = ClassOf(*tier);
  }
  const Allowance allowance{.tier = *tier, .tenant = policy->tiers.TenantOf(principal)};
  const Amount expected = ExpectedAmount(services_.forecast, agent, request.turn());
  const absl::Duration eta = FromProto(
      shard.PlaceOfNext(*setting.entry, TurnInLineOf(turn_class, tenant, principal.key), pool)
          .eta_p50());
  auto holds =
      co_await Hold(PayerOf(principal), allowance,
                    {.tenant = tenant, .turn_class = turn_class, .tokens = expected.tokens},
                    BytesOf(request.turn()), *agent.model, expected, eta);
  absl::Status room = holds.status();
  if (room.ok()) room = CheckWait(turn_class, request, eta);
  if (room.ok()) room = CheckInTime(turn_class, agent, request, eta);
  if (!room.ok()) {
    if (IsForWantOfRoom(room)) pool.CountRefused(turn_class);
    co_return room;
  }
  if (!shard.HadTurns(*setting.entry)) holds->first = first_share_.Take(tenant, started);
  if (!setting.exists) {
    PENSTOCK_CO_RETURN_IF_ERROR(
        co_await shard.Create(setting.entry, NameOf(*agent.agent), std::move(call)));
  }

  v1::Submitted submitted =
      SubmittedOf(principal, std::move(request), key.second, NewId(now, services_.random), now);
  submitted.set_request_digest(std::move(digest));
  submitted.set_agent(NameOf(*agent.agent));
  submitted.set_turn_class(turn_class);
  submitted.set_submit_number(next_submit_number_.fetch_add(1));
  submitted.set_traceparent(std::move(traceparent));
  if (allowance.HasBudget()) Store(expected, *submitted.mutable_reserved());
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      auto turn, co_await shard.Accept(setting.entry, std::move(principal), std::move(submitted),
                                       *std::move(holds), watched));
  const absl::Duration accepted = services_.clock.Monotonic();
  if (action) {
    action.Keep();
  } else {
    action_share_.CountOther(tenant, accepted);
  }
  if (turn->submitted().turn_class() != chat::v1::CLASS_FIRST) {
    first_share_.CountOther(tenant, accepted);
  }
  co_return Submission{turn->name(), std::move(turn)};
}

Awaitable<absl::StatusOr<Holds>> Admission::Hold(Payer payer, Allowance allowance, WaitingPart part,
                                                 int64_t bytes, const config::v1::Model& model,
                                                 Amount expected, absl::Duration eta) {
  if (allowance.HasRate() || allowance.HasBudget()) {
    PENSTOCK_CO_RETURN_IF_ERROR(co_await context_.accounts.Load(context_.journal, payer));
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto claim, context_.accounts.Take(payer, allowance, part.turn_class,
                                                                  expected, services_.clock.Now()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      auto held, context_.held.Take(
                     {.tenant = part.tenant, .turn_class = part.turn_class, .bytes = bytes}, eta));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto place,
                               context_.depths.at(model.name())->Join(std::move(part), eta));
  co_return Holds{
      .claim = std::move(claim), .place = std::move(place), .bytes = std::move(held), .first = {}};
}

absl::Status Admission::CheckPossible(const ResolvedAgent& agent,
                                      const chat::v1::TurnSpec& spec) const {
  const int64_t output =
      EffectiveGeneration(*agent.agent, *agent.model, spec.overrides()).max_output_tokens();
  return services_.pools.at(agent.model->name())
      ->CheckPossible({.input_tokens = 0, .output_tokens = output});
}

absl::Status Admission::CheckWait(chat::v1::TurnClass turn_class,
                                  const v1::SubmitTurnRequest& request, absl::Duration eta) const {
  if (request.job() && !request.turn().has_max_wait()) return absl::OkStatus();
  const auto policy = services_.policy.Get();
  const MaxWait allowed = MaxWaitOf(policy->config.queue(), request.turn(), turn_class);
  if (eta <= allowed.longest) return absl::OkStatus();
  return WaitTooLong(
      {.message = absl::StrCat("the turn would start in about ", InMilliseconds(eta), ", ",
                               allowed.setting, " allows ", InMilliseconds(allowed.longest),
                               "; try again later, or allow a longer wait"),
       .limit = InMilliseconds(allowed.longest),
       .turn_class = turn_class,
       .eta = eta},
      allowed.longest);
}

absl::Status Admission::CheckInTime(chat::v1::TurnClass turn_class, const ResolvedAgent& agent,
                                    const v1::SubmitTurnRequest& request,
                                    absl::Duration eta) const {
  const absl::Duration call =
      services_.forecast.CallTime(NameOf(*agent.agent), agent.model->name());
  const absl::Duration left = FromProto(request.deadline()) - services_.clock.Now();
  if (eta + call <= left) return absl::OkStatus();
  return AnswerTooLate(
      {.message = absl::StrCat("the turn would start in about ", InMilliseconds(eta),
                               " and its answer take about ", InMilliseconds(call),
                               ", its deadline is in ", InMilliseconds(left),
                               "; try again later, or allow the turn more time"),
       .limit = InMilliseconds(left),
       .turn_class = turn_class,
       .eta = eta},
      eta + call - left);
}

}  // namespace penstock::dispatcher
