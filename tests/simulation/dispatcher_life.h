// One life of the dispatcher: the real DispatcherCore in a modelled process, until it is killed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/host/environment.h"
#include "libs/obs/metrics.h"
#include "services/dispatcher/dispatcher_core.h"
#include "tests/simulation/journal_model.h"
#include "tests/simulation/memory_model.h"
#include "tests/simulation/network.h"
#include "tests/simulation/provider_model.h"
#include "tests/simulation/session_model.h"

namespace penstock::simulation {

// What a life of the dispatcher finds when it begins. References outlive it.
struct Surroundings {
  World& world;
  Network& network;
  Disk& disk;
  SessionModel& sessions;
  MemoryModel& memories;
  ProviderModel& provider;
  Witness& witness;
  const config::v1::Config& config;
};

// The caller's end of a stream of a turn's events.
struct EventStream {
  // The caller has left.
  std::stop_source left;
  // In order, as they arrive; a status ends it, OK after Finished.
  std::vector<chat::v1::TurnEvent> events = {};
  std::optional<absl::Status> ended = std::nullopt;
  std::shared_ptr<OneShot<absl::Status>> wake = nullptr;
  absl::Duration last_told = absl::ZeroDuration();
};

class DispatcherLife {
 public:
  explicit DispatcherLife(const Surroundings& around);
  ~DispatcherLife() { Kill(); }

  // Recovers, and serves then.
  void Start();
  bool serves() const { return serves_; }
  bool dead() const { return life_.dead(); }
  // Nothing that has not left it yet ever does.
  void Kill();
  // Its disk belongs to another life now, and it has not noticed.
  void Replace();
  // The last value that was published of a gauge, summed over pools.
  double Gauge(const std::string& name);

  template <class T>
  using Handler = std::function<Awaitable<absl::StatusOr<T>>(dispatcher::DispatcherCore&)>;

  // An answer of the core's, over the network. UNAVAILABLE when it is killed first.
  template <class T>
  void Serve(Handler<T> handler, std::shared_ptr<OneShot<absl::StatusOr<T>>> told) {
    const uint64_t call = Begin([told] { told->Set(Broken()); });
    Spawn(life_.executor(), Handle<T>(call, std::move(handler), std::move(told)));
  }
  // SubmitTurn and WatchTurn in one when there is a request, else WatchTurn.
  void ServeStream(identity::Principal principal,
                   std::optional<dispatcher::v1::SubmitTurnRequest> request, std::string turn,
                   int64_t after_index, std::shared_ptr<EventStream> stream);

 private:
  static absl::Status Broken() { return absl::UnavailableError("the connection broke"); }

  uint64_t Begin(std::function<void()> breaks);
  // False: nobody hears it any more.
  bool End(uint64_t call);
  template <class T>
  Awaitable<void> Handle(uint64_t call, Handler<T> handler,
                         std::shared_ptr<OneShot<absl::StatusOr<T>>> told) {
    absl::StatusOr<T> answer = co_await handler(*core_);
    if (!End(call)) co_return;
    around_.world.After(around_.network.Way(), [told, answer = std::move(answer)]() mutable {
      told->Set(std::move(answer));
    });
  }
  Awaitable<void> Recover();
  Awaitable<void> Relay(uint64_t call, identity::Principal principal,
                        std::optional<dispatcher::v1::SubmitTurnRequest> request, std::string turn,
                        int64_t after_index, std::shared_ptr<EventStream> stream);
  void Tell(const std::shared_ptr<EventStream>& stream, std::vector<chat::v1::TurnEvent> events,
            std::optional<absl::Status> end);

  const Surroundings around_;
  Life life_;
  JournalModel journal_;
  SessionLink session_;
  MemoryLink memory_;
  ProviderLink provider_;
  obs::Metrics metrics_;
  const host::Environment environment_;
  std::unique_ptr<dispatcher::DispatcherCore> core_;
  bool serves_ = false;
  uint64_t next_call_ = 0;
  // What tells their callers that they broke.
  std::map<uint64_t, std::function<void()>> calls_;
};

}  // namespace penstock::simulation
