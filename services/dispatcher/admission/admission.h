// Steps 1 and 2 of a turn's life: from a request to a journaled turn, or a refusal that says why.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "libs/async/awaitable.h"
#include "libs/identity/principal.h"
#include "penstock/dispatcher/v1/dispatcher.pb.h"
#include "services/dispatcher/admission/refusal_counter.h"
#include "services/dispatcher/admission/tenant_share.h"
#include "services/dispatcher/admission/tiers.h"
#include "services/dispatcher/queue/shard.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/statusor.h"

namespace penstock::dispatcher {

// What became of a submission.
struct Submission {
  // "sessions/{session}/turns/{turn}".
  std::string turn_name;
  // Null when the request id belongs to a turn that has ended.
  std::shared_ptr<LiveTurn> live;
};

// Thread-safe.
class Admission {
 public:
  // The references outlive it. What turns take up is counted in `accounts`, `depths` and
  // `held`.
  struct Context {
    const TurnServices& services;
    Journal& journal;
    Accounts& accounts;
    Depths& depths;
    HeldBytes& held;
    obs::Metrics& metrics;
  };

  Admission(const Context& context, int64_t next_submit_number)
      : context_(context),
        services_(context.services),
        refusals_(context.metrics),
        action_share_(services_.config.queue().max_action_share()),
        first_share_(services_.config.queue().max_first_share()),
        next_submit_number_(next_submit_number) {}

  // The turn is journaled, synced, when it answers OK. `watched`: the caller attaches at once.
  // Refusals: api.md's table; nothing was stored then.
  Awaitable<absl::StatusOr<Submission>> Submit(Shard& shard, identity::Principal principal,
                                               v1::SubmitTurnRequest request,
                                               std::string traceparent, bool watched);

  // Answers `why`, with which the submission of a turn is refused before it comes here; counted.
  absl::Status Refuse(absl::Status why, const identity::Principal& principal,
                      chat::v1::Urgency urgency) const;

  // Takes over what a changed configuration says of shares; the rest is TurnServices::policy.
  void Reload(const config::v1::Queue& queue);
  // Now and then: forgets what has run out.
  void DropOld();

 private:
  // What a turn is to run in.
  struct Setting {
    std::shared_ptr<SessionEntry> entry;
    bool exists;
    ResolvedAgent agent;
  };

  chat::v1::TurnClass WantedClass(const identity::Principal& principal,
                                  chat::v1::Urgency urgency) const;
  // One turn for a request id, however often it is submitted.
  Awaitable<absl::StatusOr<Submission>> TakeOnce(Shard& shard, identity::Principal principal,
                                                 v1::SubmitTurnRequest request,
                                                 std::string traceparent, bool watched);
  // What the request id stands for already, if anything.
  Awaitable<absl::StatusOr<std::optional<Submission>>> Known(Shard& shard, identity::UserKey user,
                                                             const v1::SubmitTurnRequest& request,
                                                             std::string digest);
  Awaitable<absl::StatusOr<Submission>> Admit(Shard& shard, identity::Principal principal,
                                              v1::SubmitTurnRequest request, std::string digest,
                                              std::string traceparent, bool watched);
  Awaitable<absl::StatusOr<Setting>> Resolve(Shard& shard, SessionKey key,
                                             const v1::SubmitTurnRequest& request, PeerCall call);
  // A part of the accounts, of the pool's depth and of memory, for a turn that brings so many bytes
  // and would wait for `eta`.
  Awaitable<absl::StatusOr<Holds>> Hold(Payer payer, Allowance allowance, WaitingPart part,
                                        int64_t bytes, const config::v1::Model& model,
                                        Amount expected, absl::Duration eta);
  // An answer of the length that was asked for could never be had.
  absl::Status CheckPossible(const ResolvedAgent& agent, const chat::v1::TurnSpec& spec) const;
  // The caller's own bound, or that of the class for a turn that somebody watches.
  absl::Status CheckWait(chat::v1::TurnClass turn_class, const v1::SubmitTurnRequest& request,
                         absl::Duration eta) const;

  // The answer would come after the deadline.
  absl::Status CheckInTime(chat::v1::TurnClass turn_class, const ResolvedAgent& agent,
                           const v1::SubmitTurnRequest& request, absl::Duration eta) const;

  const Context context_;
  const TurnServices& services_;
  const RefusalCounter refusals_;
  TenantShare action_share_;
  TenantShare first_share_;
  std::atomic<int64_t> next_submit_number_;
};

}  // namespace penstock::dispatcher
