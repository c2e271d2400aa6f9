#include "tests/simulation/callers.h"

#include <utility>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "tests/harness/canary.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {
namespace {

using dispatcher::DispatcherCore;
using harness::Answer;

Awaitable<absl::StatusOr<std::string>> SubmitTo(DispatcherCore& core, identity::Principal principal,
                                                dispatcher::v1::SubmitTurnRequest request) {
  auto submission = co_await core.Submit(std::move(principal), std::move(request), "", false);
  if (!submission.ok()) co_return submission.status();
  co_return submission->turn_name;
}

// The call says nothing of what became of it.
bool TellsNothing(const absl::Status& status) {
  if (absl::IsUnavailable(status) || absl::IsCancelled(status)) return true;
  return absl::IsDeadlineExceeded(status) && ReasonOf(status).empty();
}

}  // namespace

Callers::Callers(World& world, Network& network, Witness& witness, SessionModel& sessions,
                 std::function<DispatcherLife*()> serving)
    : world_(world),
      network_(network),
      witness_(witness),
      sessions_(sessions),
      serving_(std::move(serving)),
      chance_(world.chance().Fork()),
      life_(world) {}

Callers::~Callers() {
  stopped_ = true;
  life_.Kill();
  life_.Unwind();
}

identity::Principal Callers::PrincipalOf(const Person& person) const {
  return {.tenant = person.tenant,
          .user = person.user,
          .tier = person.tier,
          .scopes = {"turns.action"},
          .admitted = world_.Now(),
          .turn = "",
          .key = identity::UserKeyForTest(person.tenant, person.user)};
}

void Callers::Converse(Person person, int turns, Habits habits) {
  ++open_;
  Spawn(life_.executor(), Session(*this, std::move(person), turns, habits));
}

Awaitable<void> Callers::Session(Callers& callers, Person person, int turns, Habits habits) {
  const std::string session = absl::StrCat("s", callers.next_++);
  bool all_ended = true;
  for (int order = 1; order <= turns && !callers.stopped_; ++order) {
    const WishPtr wish = callers.WishFor(person, habits, session, order);
    const bool acknowledged = co_await callers.Submit(wish);
    if (callers.life_.dead()) co_return;
    if (acknowledged) {
      const auto chosen = [&](double part) { return callers.chance_.With(part); };
      if (chosen(habits.cancels)) Spawn(callers.life_.executor(), CancelLater(callers, wish));
      if (chosen(habits.repeats)) Spawn(callers.life_.executor(), SubmitAgain(callers, wish));
      if (!wish->streams && chosen(habits.nobody_attends)) {
        all_ended = false;
        continue;
      }
      if (chosen(habits.waits_for_the_end)) {
        co_await Attend(callers, wish);
      } else {
        Spawn(callers.life_.executor(), Attend(callers, wish));
      }
      all_ended = all_ended && wish->finished;
    }
    const absl::Duration think = callers.chance_.Around(habits.think);
    (co_await callers.life_.Pause(think)).IgnoreError();
  }
  if (all_ended && !callers.witness_.remembers()) {
    callers.sessions_.Forget(absl::StrCat(person.tenant, "/", person.user), SessionName(session));
  }
  --callers.open_;
}

Callers::WishPtr Callers::WishFor(const Person& person, const Habits& habits,
                                  const std::string& session, int order) {
  auto wish = std::make_shared<Wish>(Wish{.person = person, .habits = habits, .session = session});
  const int64_t number = next_++;
  const std::string user = absl::StrCat(person.tenant, "/", person.user);
  const std::string mark = absl::StrCat("mark", number, "x");
  wish->streams = chance_.With(habits.streams);
  auto& request = wish->request;
  request.set_session(SessionName(session));
  request.set_request_id(absl::StrCat("r", number));
  request.set_job(!wish->streams);
  const absl::Duration lasts =
      chance_.With(habits.is_short)
          ? chance_.Between(absl::Seconds(1), absl::Seconds(20))
          : chance_.Between(habits.shortest_deadline, habits.longest_deadline);
  *request.mutable_deadline() = ToProto(world_.Now() + lasts);
  auto& turn = *request.mutable_turn();
  turn.add_input()->mutable_text()->set_text(
      absl::StrCat(mark, " ", harness::CanaryOf(user), " hello"));
  turn.set_create_session(true);
  if (chance_.With(habits.is_action)) turn.set_urgency(chat::v1::ACTION);
  if (chance_.With(habits.is_batch)) turn.set_urgency(chat::v1::BATCH);
  if (chance_.With(habits.rejects)) turn.set_on_conflict(chat::v1::REJECT);
  if (chance_.With(habits.interrupts)) turn.set_on_conflict(chat::v1::INTERRUPT);
  if (chance_.With(habits.goes_on_alone)) turn.set_on_disconnect(chat::v1::CONTINUE);
  if (witness_.remembers()) {
    witness_.history().intents.push_back({.request_id = request.request_id(),
                                          .user = user,
                                          .session = request.session(),
                                          .order = order,
                                          .mark = habits.marks ? mark : "",
                                          .tool = "look_up"});
  }
  return wish;
}

Awaitable<bool> Callers::Submit(WishPtr wish) {
  if (wish->request.turn().on_conflict() == chat::v1::INTERRUPT) MarkEarlierAsCancelled(wish);
  const std::string& request_id = wish->request.request_id();
  while (!life_.dead()) {
    if (witness_.remembers()) {
      witness_.history().told.push_back({.request_id = request_id, .time = world_.Now()});
    }
    const auto name = co_await SubmitOnce(wish);
    if (name.ok()) {
      Acknowledge(wish, *name);
      co_return true;
    }
    if (!TellsNothing(name.status())) {
      ++refused_;
      world_.Note("refused:", name.status().message());
      if (witness_.remembers()) {
        witness_.history().told.push_back({.request_id = request_id,
                                           .answer = Answer::kRefused,
                                           .time = world_.Now(),
                                           .detail = std::string(name.status().message())});
      }
      co_return false;
    }
    MayBeUnwatched(wish);
    (co_await life_.Pause(chance_.Between(absl::Milliseconds(50), absl::Seconds(2)))).IgnoreError();
  }
  co_return false;
}

Awaitable<absl::StatusOr<std::string>> Callers::SubmitOnce(WishPtr wish) {
  if (!wish->streams) {
    co_return co_await Ask<std::string>(
        [principal = PrincipalOf(wish->person), request = wish->request](DispatcherCore& core) {
          return SubmitTo(core, principal, request);
        },
        wish->habits.lost);
  }
  OpenStream(wish, /*submits=*/true);
  auto events = co_await Read(wish);
  if (!events.ok()) co_return events.status();
  std::string name = events->front().accepted().turn();
  if (name.empty()) co_return absl::InternalError("a stream that does not begin with Accepted");
  // Attend reads them again, first of all.
  wish->stream->events.insert(wish->stream->events.begin(), events->begin(), events->end());
  co_return name;
}

void Callers::Acknowledge(const WishPtr& wish, const std::string& name) {
  ++acknowledged_;
  wish->name = name;
  world_.Note("acknowledged", name);
  if (!witness_.remembers()) return;
  TurnSeen& seen = witness_.turns()[name];
  seen.tenant = wish->person.tenant;
  seen.user = wish->person.user;
  seen.request_id = wish->request.request_id();
  seen.deadline = FromProto(wish->request.deadline());
  seen.was_unwatched = wish->cut_off;
  witness_.history().told.push_back({.request_id = seen.request_id,
                                     .answer = Answer::kAcknowledged,
                                     .time = world_.Now(),
                                     .turn = name});
  wish->watch = witness_.history().watches.size();
  witness_.history().watches.push_back(
      {.user = absl::StrCat(seen.tenant, "/", seen.user), .turn = name});
}

void Callers::OpenStream(const WishPtr& wish, bool submits) {
  auto stream = std::make_shared<EventStream>();
  wish->stream = stream;
  const auto breaks = [stream] {
    if (stream->ended) return;
    stream->ended = absl::UnavailableError("the connection broke");
    if (const auto wake = std::exchange(stream->wake, nullptr)) wake->Set(absl::OkStatus());
  };
  if (chance_.With(wish->habits.lost)) {
    world_.After(chance_.Around(absl::Milliseconds(500)), [stream, breaks] {
      breaks();
      stream->left.request_stop();
    });
  }
  world_.After(network_.Way(), [this, wish, stream, breaks, submits] {
    DispatcherLife* dispatcher = serving_();
    if (dispatcher == nullptr) {
      world_.After(network_.Way(), breaks);
      return;
    }
    dispatcher->ServeStream(PrincipalOf(wish->person),
                            submits ? std::optional(wish->request) : std::nullopt, wish->name,
                            wish->seen_through, stream);
  });
}

Awaitable<absl::StatusOr<std::vector<chat::v1::TurnEvent>>> Callers::Read(WishPtr wish) {
  const std::shared_ptr<EventStream> stream = wish->stream;
  while (stream->events.empty()) {
    if (stream->ended) {
      co_return stream->ended->ok() ? absl::OutOfRangeError("the end") : *stream->ended;
    }
    stream->wake = std::make_shared<OneShot<absl::Status>>();
    const absl::Status woken = co_await life_.Wait(stream->wake);
    if (!woken.ok()) co_return woken;
  }
  co_return std::exchange(stream->events, {});
}

}  // namespace penstock::simulation
