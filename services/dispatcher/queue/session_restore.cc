#include "services/dispatcher/queue/session_restore.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "libs/async/one_shot.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "services/dispatcher/queue/submitter.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr size_t kAtATime = 64;

// Shared by the coroutines that work through one list.
struct Work {
  std::vector<const UnfinishedTurn*> turns;
  absl::Time deadline;
  std::stop_token shutdown;
  std::atomic<size_t> next = 0;
  std::atomic<size_t> failed = 0;
  std::atomic<size_t> workers = 0;
  OneShot<bool> done;
};

Awaitable<void> RestoreSome(const TurnServices& services, std::shared_ptr<Work> work) {
  for (size_t i = work->next++; i < work->turns.size(); i = work->next++) {
    const v1::Submitted& submitted = work->turns[i]->submitted;
    session::v1::EnsureSessionRequest request;
    request.set_session(SessionName(submitted.session_id()));
    request.set_agent(submitted.agent());
    PeerCall call{SubmitterOf(submitted), "", submitted.traceparent(), work->deadline,
                  work->shutdown};
    const auto ensured =
        co_await services.peers.session.EnsureSession(std::move(call), std::move(request));
    if (!ensured.ok()) ++work->failed;
  }
  if (--work->workers == 0) work->done.Set(true);
}

}  // namespace

bool MayMissItsSession(const UnfinishedTurn& turn) {
  return turn.submitted.sequence() == 1 && !turn.cancel_requested;
}

Awaitable<void> RestoreSessions(const TurnServices& services,
                                std::vector<const UnfinishedTurn*> turns,
                                std::stop_token shutdown) {
  if (turns.empty()) co_return;
  auto work = std::make_shared<Work>();
  work->turns = std::move(turns);
  work->deadline = services.clock.Now() + kPatience;
  work->shutdown = std::move(shutdown);
  work->workers = std::min(kAtATime, work->turns.size());
  for (size_t left = work->workers; left > 0; --left) {
    Spawn(services.executor, RestoreSome(services, work));
  }
  co_await work->done.Wait();
  if (work->failed > 0) {
    Log(Severity::kWarning, "sessions of unfinished turns are not there until these begin",
        {{"sessions", absl::StrCat(work->failed.load())}});
  }
}

}  // namespace penstock::dispatcher
