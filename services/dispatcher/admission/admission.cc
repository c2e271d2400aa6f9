#include "services/dispatcher/admission/admission.h"

#include <algorithm>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/admission/find_request.h"
#include "services/dispatcher/admission/request_digest.h"
#include "services/dispatcher/turn/prompt.h"
#include "services/dispatcher/turn/token_estimator.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

absl::StatusOr<chat::v1::TurnClass> ClassOf(const identity::Principal& principal,
                                            chat::v1::Urgency urgency) {
  switch (urgency) {
    case chat::v1::ACTION:
      if (!principal.HasScope("turns.action")) {
        return Refusal(absl::StatusCode::kPermissionDenied, "SCOPE_MISSING",
                       "turn.urgency ACTION needs a token with scope turns.action")
            .With("scope", "turns.action");
      }
      return chat::v1::CLASS_ACTION;
    case chat::v1::BATCH:
      return chat::v1::CLASS_BATCH;
    default:
      return principal.tier == "paid" ? chat::v1::CLASS_PAID : chat::v1::CLASS_FREE;
  }
}

// How many may wait when a turn of the class still joins: as the depth fills, lower classes are
// refused first. Whether a turn is of class FIRST is not known yet; it joins as its tier does.
int64_t DepthOf(chat::v1::TurnClass turn_class, int64_t max_waiting) {
  switch (turn_class) {
    case chat::v1::CLASS_ACTION:
      return max_waiting;
    case chat::v1::CLASS_PAID:
      return std::max<int64_t>(1, max_waiting * 9 / 10);
    case chat::v1::CLASS_FREE:
      return std::max<int64_t>(1, max_waiting * 3 / 4);
    default:
      return std::max<int64_t>(1, max_waiting / 2);
  }
}

int64_t EstimatedTokens(const chat::v1::TurnSpec& spec) {
  size_t bytes = 0;
  for (const auto& part : spec.input()) bytes += part.text().text().size();
  return RawTokens(bytes);
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
  submitted.set_estimated_tokens(EstimatedTokens(request.turn()));
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
      const auto row,
      co_await FindRequest(journal_, user, request.request_id(), digest, services_.clock.Now()));
  if (!row) co_return std::nullopt;
  co_return Submission{TurnName(row->session_id(), row->turn_id()),
                       shard.FindTurn(TurnKey(user, row->turn_id()))};
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
  PENSTOCK_CO_ASSIGN_OR_RETURN(const chat::v1::TurnClass turn_class,
                               ClassOf(principal, request.turn().urgency()));
  const std::string session_name = request.session();
  const SessionKey key(principal.key, session_name.substr(session_name.find('/') + 1));
  PeerCall call{principal, "", traceparent, std::min(deadline, now + absl::Seconds(5)), {}};
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto entry, co_await shard.Resolve(key, call));
  const bool exists = shard.Exists(*entry);
  if (!exists && !request.turn().create_session()) co_return SessionNotFound(session_name);

  const std::string wanted =
      request.turn().agent().empty() ? shard.AgentOf(*entry) : request.turn().agent();
  PENSTOCK_CO_ASSIGN_OR_RETURN(const ResolvedAgent agent,
                               services_.agents.Resolve(wanted, request.turn()));
  const TurnInLine in_line = TurnInLineOf(turn_class, principal.tenant, principal.key);
  PENSTOCK_CO_RETURN_IF_ERROR(CheckPossible(agent, request.turn()));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckDepth(*agent.model, in_line));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckWait(shard, *entry, *agent.model, in_line, request.turn()));
  const std::string agent_name = absl::StrCat("agents/", agent.agent->id());
  if (!exists) {
    PENSTOCK_CO_RETURN_IF_ERROR(co_await shard.Create(entry, agent_name, std::move(call)));
  }

  v1::Submitted submitted =
      SubmittedOf(principal, std::move(request), key.second, NewId(now, services_.random), now);
  submitted.set_request_digest(std::move(digest));
  submitted.set_agent(agent_name);
  submitted.set_turn_class(turn_class);
  submitted.set_submit_number(next_submit_number_.fetch_add(1));
  submitted.set_traceparent(std::move(traceparent));
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      auto turn, co_await shard.Accept(entry, std::move(principal), std::move(submitted), watched));
  co_return Submission{turn->name(), std::move(turn)};
}

absl::Status Admission::CheckPossible(const ResolvedAgent& agent,
                                      const chat::v1::TurnSpec& spec) const {
  const int64_t output =
      EffectiveGeneration(*agent.agent, *agent.model, spec.overrides()).max_output_tokens();
  return services_.pools.at(agent.model->name())
      ->CheckPossible({.input_tokens = 0, .output_tokens = output});
}

absl::Status Admission::CheckDepth(const config::v1::Model& model, const TurnInLine& turn) const {
  const Arbiter& pool = *services_.pools.at(model.name());
  const int64_t waiting = pool.Load().waiting;
  const int64_t allowed = DepthOf(turn.turn_class, services_.config.turn().max_waiting());
  if (waiting < allowed) return absl::OkStatus();
  const PlaceInLine place = pool.PlaceOfNext(turn);
  return Refusal(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                 absl::StrCat("pool ", model.name(), ": ", waiting, " turns wait, a turn of ",
                              chat::v1::TurnClass_Name(turn.turn_class), " may join ", allowed,
                              "; try again later"))
      .With("limit", absl::StrCat(allowed))
      .With("class", chat::v1::TurnClass_Name(turn.turn_class))
      .With("eta_ms", absl::StrCat(absl::ToInt64Milliseconds(place.eta.p50)))
      .RetryAfter(std::max(absl::Seconds(1), place.eta.p50));
}

absl::Status Admission::CheckWait(const Shard& shard, const SessionEntry& entry,
                                  const config::v1::Model& model, const TurnInLine& turn,
                                  const chat::v1::TurnSpec& spec) const {
  if (!spec.has_max_wait()) return absl::OkStatus();
  const absl::Duration allowed = FromProto(spec.max_wait());
  const chat::v1::Queue place = shard.PlaceOfNext(entry, turn, *services_.pools.at(model.name()));
  const absl::Duration expected = FromProto(place.eta_p50());
  if (expected <= allowed) return absl::OkStatus();
  return Refusal(absl::StatusCode::kResourceExhausted, "WAIT_TOO_LONG",
                 absl::StrCat("the turn would start in about ", absl::FormatDuration(expected),
                              ", turn.max_wait allows ", absl::FormatDuration(allowed),
                              "; try again later, or allow a longer wait"))
      .With("limit", absl::FormatDuration(allowed))
      .With("class", chat::v1::TurnClass_Name(turn.turn_class))
      .With("eta_ms", absl::StrCat(absl::ToInt64Milliseconds(expected)))
      .RetryAfter(std::max(absl::Seconds(1), expected - allowed));
}

}  // namespace penstock::dispatcher
