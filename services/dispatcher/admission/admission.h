// Steps 1 and 2 of a turn's life: from a request to a journaled turn, or a refusal that says why.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "libs/async/awaitable.h"
#include "libs/identity/principal.h"
#include "penstock/dispatcher/v1/dispatcher.pb.h"
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
  Admission(const TurnServices& services, Journal& journal, int64_t next_submit_number)
      : services_(services), journal_(journal), next_submit_number_(next_submit_number) {}

  // The turn is journaled, synced, when it answers OK. `watched`: the caller attaches at once.
  // Refusals: api.md's table; nothing was stored then.
  Awaitable<absl::StatusOr<Submission>> Submit(Shard& shard, identity::Principal principal,
                                               v1::SubmitTurnRequest request,
                                               std::string traceparent, bool watched);

 private:
  // What the request id stands for already, if anything.
  Awaitable<absl::StatusOr<std::optional<Submission>>> Known(Shard& shard, identity::UserKey user,
                                                             const v1::SubmitTurnRequest& request,
                                                             std::string digest);
  Awaitable<absl::StatusOr<Submission>> Admit(Shard& shard, identity::Principal principal,
                                              v1::SubmitTurnRequest request, std::string digest,
                                              std::string traceparent, bool watched);
  // An answer of the length that was asked for could never be had.
  absl::Status CheckPossible(const ResolvedAgent& agent, const chat::v1::TurnSpec& spec) const;
  // CheckDepth and CheckWait; counts what they refuse.
  absl::Status CheckRoom(const Shard& shard, const SessionEntry& entry,
                         const config::v1::Model& model, const TurnInLine& turn,
                         const chat::v1::TurnSpec& spec) const;
  absl::Status CheckDepth(const config::v1::Model& model, const TurnInLine& turn) const;
  // The caller's own bound.
  absl::Status CheckWait(const Shard& shard, const SessionEntry& entry,
                         const config::v1::Model& model, const TurnInLine& turn,
                         const chat::v1::TurnSpec& spec) const;

  const TurnServices& services_;
  Journal& journal_;
  std::atomic<int64_t> next_submit_number_;
};

}  // namespace penstock::dispatcher
