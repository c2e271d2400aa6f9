// Callers, as the gateway would bring them: they submit until they are told, watch and come back,
// answer tools, cancel, and leave.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/dispatcher_life.h"

namespace penstock::simulation {

// Parts of all that callers do.
struct Habits {
  double streams = 0.6;
  double is_action = 0.1;
  double is_batch = 0.1;
  double rejects = 0.05;
  double interrupts = 0.05;
  double goes_on_alone = 0.3;
  double waits_for_the_end = 0.6;
  double leaves = 0.15;
  double cancels = 0.1;
  double repeats = 0.2;
  double forgets_tools = 0.1;
  double nobody_attends = 0.1;
  // Of requests whose answers are lost.
  double lost = 0.03;
  double is_short = 0.2;
  absl::Duration think = absl::Seconds(2);
  absl::Duration shortest_deadline = absl::Minutes(1);
  absl::Duration longest_deadline = absl::Minutes(10);
  // Turns can be told apart by what stands in their input.
  bool marks = true;
};

struct Person {
  std::string tenant;
  std::string user;
  // "paid" or "free".
  std::string tier = "paid";
};

class Callers {
 public:
  // `serving` answers null while no dispatcher serves.
  Callers(World& world, Network& network, Witness& witness, SessionModel& sessions,
          std::function<DispatcherLife*()> serving);
  // Nobody asks for anything new.
  ~Callers();

  // A session of so many turns, one after the other.
  void Converse(Person person, int turns, Habits habits);
  void StopSubmitting() { stopped_ = true; }

  // Conversations and turns that somebody still cares for.
  int64_t open() const { return open_; }
  int64_t acknowledged() const { return acknowledged_; }
  int64_t refused() const { return refused_; }
  int64_t ended() const { return ended_; }

 private:
  // A turn that somebody wants.
  struct Wish {
    Person person;
    Habits habits;
    std::string session;
    dispatcher::v1::SubmitTurnRequest request = {};
    bool streams = false;
    std::string name = {};
    std::shared_ptr<EventStream> stream = nullptr;
    int64_t seen_through = 0;
    // Place in the history.
    size_t watch = 0;
    bool finished = false;
    // A stream of it broke.
    bool cut_off = false;
  };
  using WishPtr = std::shared_ptr<Wish>;

  static Awaitable<void> Session(Callers& callers, Person person, int turns, Habits habits);
  WishPtr WishFor(const Person& person, const Habits& habits, const std::string& session,
                  int order);
  // True once it is acknowledged; false when it was refused.
  Awaitable<bool> Submit(WishPtr wish);
  Awaitable<absl::StatusOr<std::string>> SubmitOnce(WishPtr wish);
  static Awaitable<void> Attend(Callers& callers, WishPtr wish);
  static Awaitable<void> AnswerTools(Callers& callers, WishPtr wish,
                                     chat::v1::ToolCallsRequested asked);
  static Awaitable<void> CancelLater(Callers& callers, WishPtr wish);
  static Awaitable<void> SubmitAgain(Callers& callers, WishPtr wish);

  template <class T>
  Awaitable<absl::StatusOr<T>> Ask(DispatcherLife::Handler<T> handler, double lost);
  void OpenStream(const WishPtr& wish, bool submits);
  // What is new; a status at the end of the stream.
  Awaitable<absl::StatusOr<std::vector<chat::v1::TurnEvent>>> Read(WishPtr wish);
  void See(const WishPtr& wish, const chat::v1::TurnEvent& event);
  void Acknowledge(const WishPtr& wish, const std::string& name);
  void MarkEarlierAsCancelled(const WishPtr& wish);
  void MayBeUnwatched(const WishPtr& wish);
  identity::Principal PrincipalOf(const Person& person) const;

  static constexpr absl::Duration kCallTimeout = absl::Seconds(20);

  World& world_;
  Network& network_;
  Witness& witness_;
  SessionModel& sessions_;
  const std::function<DispatcherLife*()> serving_;
  Chance chance_;
  Life life_;
  bool stopped_ = false;
  int64_t next_ = 1;
  int64_t open_ = 0;
  int64_t acknowledged_ = 0;
  int64_t refused_ = 0;
  int64_t ended_ = 0;
};

template <class T>
Awaitable<absl::StatusOr<T>> Callers::Ask(DispatcherLife::Handler<T> handler, double lost) {
  auto told = std::make_shared<OneShot<absl::StatusOr<T>>>();
  if (life_.dead()) co_return absl::CancelledError("the caller is gone");
  const auto breaks = [told] { told->Set(absl::UnavailableError("the answer was lost")); };
  if (chance_.With(lost)) world_.After(chance_.Around(absl::Milliseconds(20)), breaks);
  world_.After(network_.Way(), [this, told, breaks, handler = std::move(handler)] {
    if (DispatcherLife* dispatcher = serving_()) {
      dispatcher->Serve<T>(handler, told);
    } else {
      world_.After(network_.Way(), breaks);
    }
  });
  const auto timeout = life_.timers().After(
      kCallTimeout, [told] { told->Set(absl::DeadlineExceededError("no answer in time")); });
  co_return co_await life_.Wait(told);
}

}  // namespace penstock::simulation
