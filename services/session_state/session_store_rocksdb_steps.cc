// Steps of a turn that waits for tools: kept until it ends.
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "services/session_state/refusals.h"
#include "services/session_state/session_records.h"
#include "services/session_state/session_store_rocksdb.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {

using chat::v1::Step;
using session::v1::AppendStepResponse;

Awaitable<absl::StatusOr<Step>> RocksSessionStore::LoadStep(const SessionKey& key,
                                                            std::string turn16, int32_t step) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto found,
                               co_await database_->Get(kSteps, StepKey(key, turn16, step)));
  if (!found) {
    co_return absl::DataLossError(absl::StrCat("step ", step, " of a turn is not there"));
  }
  Step kept;
  PENSTOCK_CO_RETURN_IF_ERROR(Decode(*found, kept));
  co_return kept;
}

Awaitable<absl::StatusOr<std::vector<Step>>> RocksSessionStore::LoadSteps(const SessionKey& key,
                                                                          std::string turn_id,
                                                                          int32_t steps) {
  const std::string turn16 = Hash16(turn_id);
  std::vector<Step> kept;
  for (int32_t step = 0; step < steps; ++step) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(kept.emplace_back(), co_await LoadStep(key, turn16, step));
  }
  co_return kept;
}

Awaitable<absl::StatusOr<AppendStepResponse>> RocksSessionStore::AppendStep(UserKey user,
                                                                            AppendStepArgs args) {
  const SessionKey key(user, args.ids.session);
  const auto hold = co_await LockSession(key);
  AppendStepResponse response;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto session, co_await TakeSession(key, args.ids.session));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto kept, co_await TakeTurn(session.get(), key, args.ids));
  if (kept && IsTerminal(kept->turn.state())) {
    *response.mutable_ended() = std::move(kept->turn);
    co_return response;
  }
  if (session && Older(args.fence, session->stored.fence())) {
    co_return Fenced(args.ids, args.fence, session->stored.fence());
  }
  if (!kept || !session) co_return NotBegun(args.ids);
  const std::string turn16 = Hash16(args.ids.turn);
  const int32_t number = args.step.step();
  if (number > kept->steps) co_return StepOutOfPlace(args.ids, number, kept->steps);
  if (number < kept->steps) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(const Step before, co_await LoadStep(key, turn16, number));
    if (Encode(before) != Encode(args.step)) co_return StepDiffers(args.ids, number);
    co_return response;
  }
  rocks::WriteBatch batch;
  batch.Put(kSteps, StepKey(key, turn16, number), Encode(args.step));
  PutTurnId(batch, key, args.ids.turn, kept->turn.sequence(), ++kept->steps);
  RaiseFence(session->stored, args.fence);
  Touch(session->stored, args.now);
  PutSession(batch, key, session->stored);
  PENSTOCK_FAILPOINT("session_state.append_step.before_write");
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(batch), rocks::Sync::kYes));
  PENSTOCK_FAILPOINT("session_state.append_step.after_write");
  session->begun_steps = kept->steps;
  session->begun = std::move(kept->turn);
  cache_.Put(key, std::move(session));
  co_return response;
}

}  // namespace penstock::session_state
