// What callers do with a turn that was acknowledged.
#include <algorithm>
#include <utility>

#include "libs/base/refusal.h"
#include "tests/simulation/callers.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {
namespace {

using chat::v1::Turn;
using dispatcher::DispatcherCore;

Awaitable<absl::StatusOr<Turn>> CancelAt(DispatcherCore& core, identity::Principal principal,
                                         dispatcher::v1::CancelTurnRequest request) {
  co_return co_await core.Cancel(std::move(principal), std::move(request));
}

Awaitable<absl::StatusOr<Turn>> ResultsTo(DispatcherCore& core, identity::Principal principal,
                                          dispatcher::v1::SubmitToolResultsRequest request) {
  co_return co_await core.SubmitToolResults(std::move(principal), std::move(request), {});
}

bool TellsNothing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsCancelled(status) ||
         absl::IsDeadlineExceeded(status);
}

}  // namespace

void Callers::MayBeUnwatched(const WishPtr& wish) {
  if (wish->request.job()) return;
  wish->cut_off = true;
  if (witness_.remembers() && !wish->name.empty()) {
    witness_.turns()[wish->name].was_unwatched = true;
  }
}

void Callers::MarkEarlierAsCancelled(const WishPtr& wish) {
  const std::string session = absl::StrCat(wish->request.session(), "/");
  for (auto& [name, seen] : witness_.turns()) {
    if (name.compare(0, session.size(), session) == 0) seen.cancel_asked = true;
  }
}

void Callers::See(const WishPtr& wish, const chat::v1::TurnEvent& event) {
  wish->seen_through = std::max(wish->seen_through, event.index());
  if (event.has_finished()) {
    wish->finished = true;
    ++ended_;
    world_.Note("told the end of", wish->name);
  }
  if (event.has_tool_calls_requested() && !chance_.With(wish->habits.forgets_tools)) {
    Spawn(life_.executor(), AnswerTools(*this, wish, event.tool_calls_requested()));
  }
  if (!witness_.remembers()) return;
  witness_.history().watches[wish->watch].events.push_back(SeenOf(event));
  if (!event.has_finished()) return;
  const Turn& turn = event.finished().turn();
  witness_.history().outcomes.push_back({.turn = wish->name,
                                         .state = turn.state(),
                                         .output = WordsOf(turn),
                                         .source = "WatchTurn",
                                         .time = world_.Now()});
}

Awaitable<void> Callers::Attend(Callers& callers, WishPtr wish) {
  ++callers.open_;
  const bool leaves = callers.chance_.With(wish->habits.leaves);
  if (wish->stream == nullptr) callers.OpenStream(wish, /*submits=*/false);
  while (!wish->finished && !callers.life_.dead()) {
    const auto events = co_await callers.Read(wish);
    if (events.ok()) {
      for (const auto& event : *events) callers.See(wish, event);
      if (!leaves || wish->finished || !callers.chance_.With(0.3)) continue;
    }
    callers.MayBeUnwatched(wish);
    if (events.ok()) {
      wish->stream->left.request_stop();
    } else if (absl::IsNotFound(events.status())) {
      callers.witness_.Accuse("LOST", wish->name, events.status().message());
      break;
    } else if (absl::IsInvalidArgument(events.status())) {
      callers.witness_.Accuse("INDEX", wish->name, events.status().message());
      break;
    }
    // Who leaves does not always come back.
    if (events.ok() && callers.chance_.With(0.3)) break;
    const absl::Duration away = callers.chance_.Around(absl::Seconds(1));
    (co_await callers.life_.Pause(away)).IgnoreError();
    if (!callers.life_.dead()) callers.OpenStream(wish, /*submits=*/false);
  }
  if (wish->stream != nullptr) wish->stream->left.request_stop();
  --callers.open_;
}

Awaitable<void> Callers::AnswerTools(Callers& callers, WishPtr wish,
                                     chat::v1::ToolCallsRequested asked) {
  ++callers.open_;
  const absl::Duration takes = callers.chance_.Around(absl::Seconds(1));
  (co_await callers.life_.Pause(takes)).IgnoreError();
  dispatcher::v1::SubmitToolResultsRequest request;
  request.set_name(wish->name);
  request.set_request_id(
      absl::StrCat("tools-", wish->name.substr(wish->name.rfind('/') + 1), "-", asked.step()));
  harness::ToolWait wait{.turn = wish->name, .step = asked.step(), .asked = callers.world_.Now()};
  for (const auto& call : asked.calls()) {
    auto* result = request.add_results();
    result->set_tool_call_id(call.id());
    result->set_content(absl::StrCat("result of ", call.id(), " for ", wish->request.request_id()));
    wait.results.push_back(result->content());
  }
  while (!callers.life_.dead()) {
    const auto turn = co_await callers.Ask<Turn>(
        [principal = callers.PrincipalOf(wish->person), request](DispatcherCore& core) {
          return ResultsTo(core, principal, request);
        },
        wish->habits.lost);
    if (turn.ok()) wait.answered = callers.world_.Now();
    if (turn.ok() || !TellsNothing(turn.status())) break;
    const absl::Duration away = callers.chance_.Around(absl::Milliseconds(500));
    (co_await callers.life_.Pause(away)).IgnoreError();
  }
  if (callers.witness_.remembers()) {
    callers.witness_.history().tool_waits.push_back(std::move(wait));
  }
  --callers.open_;
}

Awaitable<void> Callers::CancelLater(Callers& callers, WishPtr wish) {
  ++callers.open_;
  const absl::Duration later = callers.chance_.Around(absl::Seconds(2));
  (co_await callers.life_.Pause(later)).IgnoreError();
  if (callers.witness_.remembers()) callers.witness_.turns()[wish->name].cancel_asked = true;
  dispatcher::v1::CancelTurnRequest request;
  request.set_name(wish->name);
  request.set_discard_output(callers.chance_.With(0.3));
  while (!callers.life_.dead()) {
    const auto turn = co_await callers.Ask<Turn>(
        [principal = callers.PrincipalOf(wish->person), request](DispatcherCore& core) {
          return CancelAt(core, principal, request);
        },
        wish->habits.lost);
    if (turn.ok() && turn->state() < Turn::SUCCEEDED && callers.witness_.remembers()) {
      callers.world_.Note("cancel acknowledged", wish->name);
      callers.witness_.history().cancels.push_back({wish->name, callers.world_.Now()});
    }
    if (turn.ok() || !TellsNothing(turn.status())) break;
    const absl::Duration away = callers.chance_.Around(absl::Milliseconds(500));
    (co_await callers.life_.Pause(away)).IgnoreError();
  }
  --callers.open_;
}

Awaitable<void> Callers::SubmitAgain(Callers& callers, WishPtr wish) {
  ++callers.open_;
  const absl::Duration later = callers.chance_.Around(absl::Seconds(5));
  (co_await callers.life_.Pause(later)).IgnoreError();
  auto again = std::make_shared<Wish>(*wish);
  again->streams = false;
  const auto name = co_await callers.SubmitOnce(again);
  if (name.ok() && *name != wish->name) {
    callers.witness_.Accuse("DOUBLED", wish->name, absl::StrCat("the same request became ", *name));
  }
  if (!name.ok() && !TellsNothing(name.status())) {
    callers.witness_.Accuse("FORGOTTEN", wish->name,
                            absl::StrCat("the same request is refused: ", name.status().message()));
  }
  --callers.open_;
}

}  // namespace penstock::simulation
