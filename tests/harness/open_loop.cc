#include "tests/harness/open_loop.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <thread>
#include <tuple>
#include <utility>

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>
#include <pthread.h>
#include <sched.h>

#include "libs/base/proto_time.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::TurnEvent;
using Steady = std::chrono::steady_clock;

// One turn under way; its own tag, with one operation in the queue at a time.
class Streamed {
 public:
  Streamed(const Caller& caller, const Arrival& arrival, Steady::time_point due,
           grpc::CompletionQueue& queue, Fate& fate)
      : due_(due), fate_(fate), context_(caller.NewContext(absl::Minutes(10))) {
    gateway::v1::StreamTurnRequest request;
    request.set_session(arrival.session);
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->set_urgency(arrival.urgency);
    request.mutable_turn()->add_input()->mutable_text()->set_text(arrival.text);
    fate_.late = Since();
    reader_ = caller.turns().PrepareAsyncStreamTurn(context_.get(), request, &queue);
    reader_->StartCall(this);
  }

  // True when it has ended.
  bool Proceed(bool ok) {
    if (finishing_) {
      fate_.ended = Since();
      if (!fate_.accepted) fate_.answered = fate_.ended;
      fate_.status = rpc::FromGrpc(status_);
      return true;
    }
    if (ok) {
      See();
      reader_->Read(&event_, this);
    } else {
      finishing_ = true;
      reader_->Finish(&status_, this);
    }
    return false;
  }

 private:
  absl::Duration Since() const { return absl::FromChrono(Steady::now() - due_); }

  void See() {
    switch (event_.event_case()) {
      case TurnEvent::kAccepted:
        fate_.accepted = true;
        fate_.answered = Since();
        fate_.told = event_.accepted().queue();
        break;
      case TurnEvent::kStarted:
        if (!fate_.started) fate_.started = Since();
        break;
      case TurnEvent::kDelta:
        if (!fate_.first_delta) fate_.first_delta = Since();
        break;
      case TurnEvent::kFinished:
        fate_.turn = std::move(*event_.mutable_finished()->mutable_turn());
        break;
      default:
        break;
    }
    event_.Clear();
  }

  const Steady::time_point due_;
  Fate& fate_;
  const std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncReader<TurnEvent>> reader_;
  TurnEvent event_;
  grpc::Status status_;
  bool finishing_ = false;
};

// Callers by who they speak for; a token is signed once.
class Callers {
 public:
  Callers(const Mesh& mesh, int connections) : mesh_(mesh) {
    for (int i = 0; i < connections; ++i) {
      channels_.push_back(Caller::Connect(mesh.gateway_address()));
    }
  }

  const Caller& For(const TokenUser& user) {
    auto& caller = callers_[std::tuple(user.tenant, user.user, user.tier, user.scopes.size())];
    if (!caller) caller = mesh_.NewCaller(user, channels_[callers_.size() % channels_.size()]);
    return *caller;
  }

 private:
  const Mesh& mesh_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::map<std::tuple<std::string, std::string, std::string, size_t>, std::unique_ptr<Caller>>
      callers_;
};

// As if the generator had a machine of its own: it never waits for a core behind those it loads.
// Where that is not allowed (nobody but root may), lateness says what it cost.
void GoFirst() {
  const sched_param priority{.sched_priority = 1};
  pthread_setschedparam(pthread_self(), SCHED_RR, &priority);
}

std::vector<size_t> OrderOf(const std::vector<Arrival>& arrivals) {
  std::vector<size_t> order(arrivals.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(arrivals[a].due, a) < std::pair(arrivals[b].due, b);
  });
  return order;
}

}  // namespace

std::vector<Fate> RunOpenLoop(const Mesh& mesh, const std::vector<Arrival>& arrivals,
                              int connections) {
  std::vector<Fate> fates(arrivals.size());
  Callers callers(mesh, connections);
  // Signed and connected before the first is due.
  for (const Arrival& arrival : arrivals) callers.For(arrival.user);

  grpc::CompletionQueue queue;
  std::thread reader([&queue, left = arrivals.size()]() mutable {
    GoFirst();
    void* tag = nullptr;
    bool ok = false;
    while (left > 0 && queue.Next(&tag, &ok)) {
      auto* streamed = static_cast<Streamed*>(tag);
      if (!streamed->Proceed(ok)) continue;
      delete streamed;
      --left;
    }
  });
  std::thread sender([&] {
    GoFirst();
    const auto start = Steady::now() + std::chrono::milliseconds(200);
    for (const size_t i : OrderOf(arrivals)) {
      const Steady::time_point due = start + std::chrono::duration_cast<Steady::duration>(
                                                 absl::ToChronoNanoseconds(arrivals[i].due));
      std::this_thread::sleep_until(due);
      // Freed by the reader, when it has ended.
      new Streamed(callers.For(arrivals[i].user), arrivals[i], due, queue, fates[i]);
    }
  });
  sender.join();
  reader.join();
  queue.Shutdown();
  void* none = nullptr;
  bool ok = false;
  while (queue.Next(&none, &ok)) {
  }
  return fates;
}

std::vector<absl::Duration> PoissonTimes(double rate, absl::Duration from, absl::Duration to,
                                         unsigned seed) {
  std::mt19937 random(seed);
  std::exponential_distribution<double> gap(rate);
  std::vector<absl::Duration> times;
  for (absl::Duration at = from + absl::Seconds(gap(random)); at < to;
       at += absl::Seconds(gap(random))) {
    times.push_back(at);
  }
  return times;
}

absl::Duration Quantile(std::vector<absl::Duration> values, double part) {
  if (values.empty()) return absl::ZeroDuration();
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<ptrdiff_t>(std::llround(part * last));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace penstock::harness
