// Calls between processes: they take time, and sometimes they break on the way there or back.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

#include "tests/simulation/life.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace penstock::simulation {

struct Weather {
  absl::Duration least_way = absl::Microseconds(50);
  absl::Duration most_way = absl::Milliseconds(3);
  // Of requests, and of answers.
  double lost = 0;
};

// Until when the caller waits, and what ends the wait before.
struct Patience {
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

class Network {
 public:
  Network(World& world, const Weather& weather) : world_(world), weather_(weather) {}

  absl::Duration Way() { return world_.chance().Between(weather_.least_way, weather_.most_way); }
  // From now on nothing is lost.
  void Calm() { weather_.lost = 0; }

  // `serve` runs when the request arrives, even if the caller is dead by then. UNAVAILABLE when
  // either way is lost; CANCELLED and DEADLINE_EXCEEDED as over gRPC.
  template <class T>
  Awaitable<absl::StatusOr<T>> Call(Life& from, Patience patience,
                                    std::function<absl::StatusOr<T>()> serve) {
    if (from.dead() || patience.stop.stop_requested()) co_return absl::CancelledError("not sent");
    auto told = std::make_shared<OneShot<absl::StatusOr<T>>>();
    world_.After(Way(), [this, told, serve = std::move(serve)] {
      absl::StatusOr<T> answer = Lost() ? Broken() : serve();
      if (Lost()) answer = Broken();
      world_.After(Way(),
                   [told, answer = std::move(answer)]() mutable { told->Set(std::move(answer)); });
    });
    std::unique_ptr<Timer> timeout;
    if (patience.deadline != absl::InfiniteFuture()) {
      timeout = from.timers().After(patience.deadline - world_.Now(), [told] {
        told->Set(absl::DeadlineExceededError("no answer in time"));
      });
    }
    const std::stop_callback on_stop(patience.stop,
                                     [told] { told->Set(absl::CancelledError("stopped")); });
    co_return co_await from.Wait(std::move(told));
  }

 private:
  bool Lost() { return world_.chance().With(weather_.lost); }
  static absl::Status Broken() { return absl::UnavailableError("the connection broke"); }

  World& world_;
  Weather weather_;
};

}  // namespace penstock::simulation
