#include "tests/harness/persistent_caller.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);

// The caller's wait before it repeats: what the server asked for, at most half a second.
void WaitToRepeat(const absl::Status& status) {
  const absl::Duration asked = RetryAfterOf(status).value_or(absl::Milliseconds(50));
  std::this_thread::sleep_for(absl::ToChronoMicroseconds(std::min(asked, absl::Milliseconds(500))));
}

// What this status says of the turn: INVALID_ARGUMENT and its like say that there is none and will
// be none; all the rest may be repeated.
Answer AnswerOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
      return Answer::kRefused;
    default:
      return Answer::kUnknown;
  }
}

std::string TextOf(const chat::v1::Message& message) {
  std::string text;
  for (const auto& part : message.parts()) absl::StrAppend(&text, part.text().text());
  return text;
}

std::optional<SeenEvent> Seen(const TurnEvent& event) {
  using Kind = SeenEvent::Kind;
  SeenEvent seen{.index = event.index()};
  switch (event.event_case()) {
    case TurnEvent::kAccepted:
      seen.kind = Kind::kAccepted;
      return seen;
    case TurnEvent::kQueued:
      seen.kind = Kind::kQueued;
      return seen;
    case TurnEvent::kStarted:
      seen.kind = Kind::kStarted;
      seen.run = event.started().run();
      return seen;
    case TurnEvent::kDelta:
      seen.kind = Kind::kDelta;
      seen.text = event.delta().text();
      return seen;
    case TurnEvent::kStepFinished:
      seen.kind = Kind::kStepFinished;
      seen.text = TextOf(event.step_finished().message());
      seen.step = event.step_finished().step();
      return seen;
    case TurnEvent::kRestarted:
      seen.kind = Kind::kRestarted;
      seen.run = event.restarted().run();
      seen.keep_through = event.restarted().keep_through_index();
      return seen;
    case TurnEvent::kFinished:
      seen.kind = Kind::kFinished;
      seen.text = OutputText(event.finished().turn());
      seen.state = event.finished().turn().state();
      return seen;
    case TurnEvent::kToolCallsRequested:  // this caller brings no tools
    case TurnEvent::EVENT_NOT_SET:
      return std::nullopt;
  }
}

Outcome OutcomeOf(const Turn& turn, absl::string_view source) {
  return {.turn = turn.name(),
          .state = turn.state(),
          .output = OutputText(turn),
          .source = std::string(source),
          .time = absl::Now()};
}

// Repeats a call that says, with the same request_id, the same.
template <class Call>
auto UntilKnown(absl::Time give_up, const Call& call) {
  auto answer = call();
  while (!answer.ok() && AnswerOf(answer.status()) == Answer::kUnknown && absl::Now() < give_up) {
    WaitToRepeat(answer.status());
    answer = call();
  }
  return answer;
}

// Of the newest message's directive.
absl::Duration FirstTokenDelay(absl::string_view prompt) {
  constexpr absl::string_view kDirective = "/sim delay ";
  const size_t at = prompt.rfind(kDirective);
  if (at == absl::string_view::npos) return absl::ZeroDuration();
  const absl::string_view rest = prompt.substr(at + kDirective.size());
  int milliseconds = 0;
  if (!absl::SimpleAtoi(rest.substr(0, rest.find('\n')), &milliseconds)) {
    return absl::ZeroDuration();
  }
  return absl::Milliseconds(milliseconds);
}

bool AnyLive(const std::vector<Turn>& turns) {
  return std::any_of(turns.begin(), turns.end(),
                     [](const Turn& turn) { return !IsTerminal(turn.state()); });
}

}  // namespace

absl::StatusOr<std::string> PersistentCaller::Submit(const Intent& intent, const std::string& text,
                                                     absl::Time give_up) const {
  ledger_.Want(intent);
  return Repeat(intent, text, give_up);
}

absl::StatusOr<std::string> PersistentCaller::Repeat(const Intent& intent, const std::string& text,
                                                     absl::Time give_up) const {
  gateway::v1::SubmitTurnRequest request;
  request.set_session(intent.session);
  request.set_request_id(intent.request_id);
  request.mutable_turn()->add_input()->mutable_text()->set_text(text);
  request.mutable_turn()->set_create_session(true);
  while (true) {
    ledger_.Tell({intent.request_id, Answer::kInvoked, absl::Now()});
    const auto turn =
        caller_.Call(caller_.turns(), &gateway::v1::Turns::Stub::SubmitTurn, request, kCallTimeout);
    if (turn.ok()) {
      ledger_.Tell({intent.request_id, Answer::kAcknowledged, absl::Now(), turn->name()});
      return turn->name();
    }
    const Answer answer = AnswerOf(turn.status());
    ledger_.Tell({intent.request_id, answer, absl::Now(), "", turn.status().ToString()});
    if (answer == Answer::kRefused || absl::Now() > give_up) return turn.status();
    WaitToRepeat(turn.status());
  }
}

absl::Status PersistentCaller::Cancel(const std::string& turn, absl::Time give_up) const {
  gateway::v1::CancelTurnRequest request;
  request.set_name(turn);
  const auto cancelled = UntilKnown(give_up, [&] {
    return caller_.Call(caller_.turns(), &gateway::v1::Turns::Stub::CancelTurn, request,
                        kCallTimeout);
  });
  if (cancelled.ok()) ledger_.AddCancel({turn, absl::Now()});
  return cancelled.status();
}

absl::Status PersistentCaller::CreateSession(const std::string& user, const std::string& session_id,
                                             const std::string& request_id,
                                             absl::Time give_up) const {
  gateway::v1::CreateSessionRequest request;
  request.set_session_id(session_id);
  request.set_request_id(request_id);
  const auto made = UntilKnown(give_up, [&] {
    return caller_.Call(caller_.sessions(), &gateway::v1::Sessions::Stub::CreateSession, request,
                        kCallTimeout);
  });
  if (made.ok()) ledger_.AddMade({user, request_id, made->name()});
  return made.status();
}

absl::Status PersistentCaller::CreateMemory(const std::string& user, const std::string& text,
                                            const std::string& request_id,
                                            absl::Time give_up) const {
  gateway::v1::CreateMemoryRequest request;
  request.set_request_id(request_id);
  request.mutable_memory()->set_text(text);
  const auto made = UntilKnown(give_up, [&] {
    return caller_.Call(caller_.memories(), &gateway::v1::Memories::Stub::CreateMemory, request,
                        kCallTimeout);
  });
  if (made.ok()) ledger_.AddMade({user, request_id, made->name()});
  return made.status();
}

absl::Status PersistentCaller::Follow(const std::string& user, const std::string& turn,
                                      absl::Time give_up) const {
  Watch watch{.user = user, .turn = turn};
  gateway::v1::WatchTurnRequest request;
  request.set_name(turn);
  bool finished = false;
  absl::Status status;
  while (!finished && absl::Now() < give_up) {
    const auto see = [&](const TurnEvent& event) {
      request.set_after_index(event.index());
      if (auto seen = Seen(event)) watch.events.push_back(*std::move(seen));
      if (!event.has_finished()) return true;
      finished = true;
      ledger_.TellOutcome(OutcomeOf(event.finished().turn(), "WatchTurn"));
      return true;
    };
    status = caller_.WatchTurn(request, see, give_up - absl::Now());
    if (absl::IsNotFound(status)) break;
    if (!finished) WaitToRepeat(status);
  }
  ledger_.AddWatch(std::move(watch));
  if (finished) return absl::OkStatus();
  if (absl::IsNotFound(status)) return status;
  return absl::DeadlineExceededError(
      absl::StrCat(turn, ": no end was told; the last stream ended with ", status.ToString()));
}

absl::Status PersistentCaller::CollectStored(const std::string& user, absl::Time give_up,
                                             History& history) const {
  absl::StatusOr<std::vector<Turn>> turns = caller_.AllTurns("sessions/-");
  while ((!turns.ok() || AnyLive(*turns)) && absl::Now() < give_up) {
    WaitToRepeat(turns.status());
    turns = caller_.AllTurns("sessions/-");
  }
  PENSTOCK_RETURN_IF_ERROR(turns.status());
  for (const Turn& turn : *turns) {
    history.stored.push_back({.user = user,
                              .name = turn.name(),
                              .sequence = turn.sequence(),
                              .state = turn.state(),
                              .request_id = turn.request_id(),
                              .input = InputText(turn),
                              .output = OutputText(turn)});
    PENSTOCK_ASSIGN_OR_RETURN(const Turn same, caller_.GetTurn(turn.name()));
    if (IsTerminal(same.state())) history.outcomes.push_back(OutcomeOf(same, "GetTurn"));
  }
  return absl::OkStatus();
}

absl::Status PersistentCaller::CollectKept(const std::string& user, absl::Time give_up,
                                           History& history) const {
  gateway::v1::ListSessionsRequest sessions;
  do {
    PENSTOCK_ASSIGN_OR_RETURN(const auto page, UntilKnown(give_up, [&] {
                                return caller_.Call(caller_.sessions(),
                                                    &gateway::v1::Sessions::Stub::ListSessions,
                                                    sessions, kCallTimeout);
                              }));
    for (const auto& session : page.sessions()) history.kept.emplace_back(user, session.name());
    sessions.set_page_token(page.next_page_token());
  } while (!sessions.page_token().empty());
  gateway::v1::ListMemoriesRequest memories;
  do {
    PENSTOCK_ASSIGN_OR_RETURN(const auto page, UntilKnown(give_up, [&] {
                                return caller_.Call(caller_.memories(),
                                                    &gateway::v1::Memories::Stub::ListMemories,
                                                    memories, kCallTimeout);
                              }));
    for (const auto& memory : page.memories()) history.kept.emplace_back(user, memory.name());
    memories.set_page_token(page.next_page_token());
  } while (!memories.page_token().empty());
  return absl::OkStatus();
}

absl::Status CollectProviderCalls(const Simulator& simulator, History& history) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto requests, simulator.Requests());
  for (const ProviderRequest& request : requests) {
    std::string text;
    for (const PromptMessage& message : request.messages)
      absl::StrAppend(&text, message.text, "\n");
    history.provider_calls.push_back({.turn = request.turn,
                                      .attempt = request.attempt,
                                      .start = absl::FromUnixMicros(request.start_us),
                                      .text = std::move(text)});
    ProviderCall& call = history.provider_calls.back();
    call.first_token = call.start + FirstTokenDelay(call.text);
    if (request.end_us != 0) call.end = absl::FromUnixMicros(request.end_us);
    call.completed = request.outcome == "completed";
  }
  return absl::OkStatus();
}

}  // namespace penstock::harness
