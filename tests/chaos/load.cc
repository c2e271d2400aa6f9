#include "tests/chaos/load.h"

#include <chrono>
#include <utility>

#include "libs/base/status_macros.h"
#include "tests/harness/canary.h"
#include "tests/harness/collect.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::chaos {
namespace {

using harness::Caller;
using harness::CanaryOf;
using harness::Intent;
using harness::PersistentCaller;

constexpr int kTurnsASession = 3;
constexpr int kSessionsAUser = 4;

int Draw(std::mt19937& random, int least, int most) {
  return std::uniform_int_distribution(least, most)(random);
}

void Pause(std::mt19937& random, int most_ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(Draw(random, 0, most_ms)));
}

std::string UserOf(int session) { return absl::StrCat("user", session / kSessionsAUser); }
// The last turn of such a session is streamed; the others are submitted and watched.
bool Streams(int session) { return session % 3 == 0; }

std::string SessionIdOf(int session) { return absl::StrCat("s", session % kSessionsAUser); }

Intent IntentOf(int session, int order) {
  return {.request_id = absl::StrCat("request-", session, "-", order),
          .user = UserOf(session),
          .session = absl::StrCat("sessions/", SessionIdOf(session)),
          .order = order,
          .mark = absl::StrCat("mark-", session, "-", order, "."),
          .tool = order <= kTurnsASession && (session + order) % 4 == 0 ? "clock" : ""};
}

// An answer of ten words that takes 0.2 to 3 s, after that of a tool if there is one.
std::string TextOf(const Intent& intent, std::mt19937& random) {
  const int delay_ms = Draw(random, 100, 500);
  const int interval_ms = Draw(random, 0, 3) == 0 ? Draw(random, 60, 250) : Draw(random, 10, 60);
  return absl::StrCat("Please write this down for me: ", CanaryOf(intent.user), " ", intent.mark,
                      "\n/sim delay ", delay_ms, "\n/sim interval ", interval_ms,
                      intent.tool.empty() ? "" : absl::StrCat("\n/sim tool ", intent.tool));
}

}  // namespace

Load::Load(const harness::Mesh& mesh, harness::Ledger& ledger, LoadOptions options)
    : mesh_(mesh),
      ledger_(ledger),
      options_(options),
      channel_(Caller::Connect(mesh.gateway_address())) {
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { Work(); });
}

Load::~Load() { Finish(); }

void Load::Finish() {
  stopping_ = true;
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

const Caller& Load::CallerOf(int session) {
  const std::string user = UserOf(session);
  MutexLock lock(mutex_);
  auto& caller = callers_[user];
  if (caller == nullptr) {
    caller = std::make_unique<Caller>(channel_, mesh_.tokens().For({.user = user}),
                                      /*waits=*/true);
  }
  return *caller;
}

void Load::Note(const absl::Status& status) {
  if (status.ok()) return;
  MutexLock lock(mutex_);
  failures_.push_back(status);
}

std::vector<absl::Status> Load::failures() const {
  MutexLock lock(mutex_);
  return failures_;
}

void Load::Work() {
  while (!stopping_) {
    const int session = next_session_++;
    std::mt19937 random(static_cast<unsigned>(session));
    Note(Talk(session, random));
  }
}

absl::Status Load::Talk(int session, std::mt19937& random) {
  const std::string user = UserOf(session);
  const PersistentCaller caller(CallerOf(session), ledger_);
  const absl::Time give_up = absl::Now() + options_.patience;
  if (Draw(random, 0, 2) == 0) {
    const std::string request = absl::StrCat("create-", session);
    for (int times = Draw(random, 1, 2); times > 0; --times) {
      PENSTOCK_RETURN_IF_ERROR(caller.CreateSession(user, SessionIdOf(session), request, give_up));
    }
  }
  if (Draw(random, 0, 2) == 0) {
    const std::string text = absl::StrCat("I like ", CanaryOf(user), " number ", session);
    const std::string request = absl::StrCat("remember-", session);
    for (int times = Draw(random, 1, 2); times > 0; --times) {
      PENSTOCK_RETURN_IF_ERROR(caller.CreateMemory(user, text, request, give_up));
    }
  }
  const int submitted = Streams(session) ? kTurnsASession - 1 : kTurnsASession;
  std::vector<std::string> texts;
  std::vector<std::string> turns;
  for (int order = 1; order <= submitted; ++order) {
    texts.push_back(TextOf(IntentOf(session, order), random));
    PENSTOCK_ASSIGN_OR_RETURN(turns.emplace_back(),
                              caller.Submit(IntentOf(session, order), texts.back(), give_up));
  }
  std::jthread stream;
  if (Streams(session)) {
    const Intent intent = IntentOf(session, kTurnsASession);
    stream = std::jthread([this, &caller, intent, text = TextOf(intent, random), give_up] {
      Note(caller.Stream(intent, text, give_up));
    });
  }
  if (Draw(random, 0, 3) == 0) {
    Pause(random, 500);
    const int which = Draw(random, 0, submitted - 1);
    PENSTOCK_RETURN_IF_ERROR(caller.Cancel(turns[static_cast<size_t>(which)], give_up));
  }
  for (int order = 1; order <= submitted; ++order) {
    const size_t i = static_cast<size_t>(order - 1);
    Pause(random, 200);
    // As if the answer had been lost: while it runs, after its end, before and after a crash.
    PENSTOCK_RETURN_IF_ERROR(caller.Repeat(IntentOf(session, order), texts[i], give_up).status());
    PENSTOCK_RETURN_IF_ERROR(caller.Follow(user, turns[i], give_up));
  }
  return absl::OkStatus();
}

void Load::OneMoreTurnEach() {
  std::atomic<int> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < options_.workers; ++i) {
    threads.emplace_back([this, &next] {
      for (int session = next++; session < next_session_; session = next++) {
        WorkOnce(session, kTurnsASession + 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void Load::WorkOnce(int session, int order) {
  const Intent intent = IntentOf(session, order);
  const PersistentCaller caller(CallerOf(session), ledger_);
  const absl::Time give_up = absl::Now() + options_.patience;
  const auto turn = caller.Submit(
      intent, absl::StrCat("And this, please: ", CanaryOf(intent.user), " ", intent.mark), give_up);
  Note(turn.ok() ? caller.Follow(intent.user, *turn, give_up) : turn.status());
}

absl::Status Load::Collect(absl::Time give_up, harness::History& history) {
  std::map<std::string, const Caller*> callers;
  {
    MutexLock lock(mutex_);
    for (const auto& [user, caller] : callers_) callers[user] = caller.get();
  }
  for (const auto& [user, caller] : callers) {
    PENSTOCK_RETURN_IF_ERROR(CollectStored(*caller, user, give_up, history));
    PENSTOCK_RETURN_IF_ERROR(CollectKept(*caller, user, give_up, history));
  }
  return CollectProviderCalls(mesh_.simulator(), history);
}

}  // namespace penstock::chaos
