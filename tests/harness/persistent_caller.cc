#include "tests/harness/persistent_caller.h"

#include "tests/harness/follower.h"
#include "tests/harness/repeat.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

template <class Request>
Request RequestOf(const Intent& intent, const std::string& text) {
  Request request;
  request.set_session(intent.session);
  request.set_request_id(intent.request_id);
  request.mutable_turn()->add_input()->mutable_text()->set_text(text);
  request.mutable_turn()->set_create_session(true);
  if (!intent.tool.empty()) {
    request.mutable_turn()->mutable_overrides()->add_tools()->set_name(intent.tool);
  }
  return request;
}

}  // namespace

absl::StatusOr<std::string> PersistentCaller::Submit(const Intent& intent, const std::string& text,
                                                     absl::Time give_up) const {
  ledger_.Want(intent);
  return Repeat(intent, text, give_up);
}

absl::StatusOr<std::string> PersistentCaller::Repeat(const Intent& intent, const std::string& text,
                                                     absl::Time give_up) const {
  const auto request = RequestOf<gateway::v1::SubmitTurnRequest>(intent, text);
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

absl::Status PersistentCaller::Stream(const Intent& intent, const std::string& text,
                                      absl::Time give_up) const {
  ledger_.Want(intent);
  const auto request = RequestOf<gateway::v1::StreamTurnRequest>(intent, text);
  Follower follower(caller_, ledger_, intent.user, give_up);
  std::string turn;
  while (turn.empty()) {
    ledger_.Tell({intent.request_id, Answer::kInvoked, absl::Now()});
    const auto see = [&](const chat::v1::TurnEvent& event) {
      if (event.has_accepted()) {
        turn = event.accepted().turn();
        ledger_.Tell({intent.request_id, Answer::kAcknowledged, absl::Now(), turn});
      }
      follower.See(event);
      return true;
    };
    const absl::Status ended = caller_.StreamTurn(request, see, give_up - absl::Now());
    if (!turn.empty()) break;
    const Answer answer = AnswerOf(ended);
    ledger_.Tell({intent.request_id, answer, absl::Now(), "", ended.ToString()});
    if (answer == Answer::kRefused || absl::Now() > give_up) return ended;
    WaitToRepeat(ended);
  }
  return std::move(follower).Follow(turn);
}

absl::Status PersistentCaller::Follow(const std::string& user, const std::string& turn,
                                      absl::Time give_up) const {
  return Follower(caller_, ledger_, user, give_up).Follow(turn);
}

}  // namespace penstock::harness
