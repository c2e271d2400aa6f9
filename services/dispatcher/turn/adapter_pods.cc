#include "services/dispatcher/turn/adapter_pods.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <grpcpp/channel.h>

#include "libs/async/live_count.h"
#include "libs/async/sleep_or_stop.h"
#include "libs/base/log.h"
#include "libs/base/mutex.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/rpc/batched_stream.h"
#include "libs/rpc/channel.h"
#include "penstock/provider/v1/provider_adapter.grpc.pb.h"
#include "services/dispatcher/turn/pod_choice.h"

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace penstock::dispatcher {
namespace {

using provider::v1::GenerateEventBatch;
using provider::v1::ProviderAdapter;
using Outcome = PodChoice::Outcome;

// Between two looks while nobody would take a call.
constexpr absl::Duration kUrgent = absl::Milliseconds(100);

// Channel and stub to one address.
struct Target {
  explicit Target(std::shared_ptr<grpc::Channel> opened)
      : channel(std::move(opened)), stub(ProviderAdapter::NewStub(channel)) {}
  // Calls that are over may hold the channel for a moment longer.
  ~Target() {
    stub.reset();
    rpc::CloseChannel(std::move(channel));
  }

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<ProviderAdapter::Stub> stub;
  int calls = 0;
  bool gone = false;
};

Outcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return Outcome::kFull;
    case absl::StatusCode::kUnavailable:
      // A refusal in words is a pod that works.
      return ReasonOf(status).empty() ? Outcome::kFailed : Outcome::kFull;
    default:
      return Outcome::kNothing;
  }
}

}  // namespace

// What the streams share. Thread-safe.
class AdapterPods::Pods {
 public:
  Pods(const Context& context, AdapterLookup lookup, Open open)
      : context_(context),
        lookup_(std::move(lookup)),
        open_(std::move(open)),
        known_(context.metrics.AddGauge("penstock_dispatcher_adapters",
                                        "Provider-adapters that there are, by address.")),
        avoided_(context.metrics.AddGauge(
            "penstock_dispatcher_adapters_avoided",
            "Provider-adapters that failed and get no calls while another takes them.")),
        moved_(context.metrics.AddCounter(
            "penstock_dispatcher_calls_moved_total",
            "Calls that one adapter did not take, and that were offered to the next.")),
        choice_(FromProto(context.settings.avoid_time())) {}

  void Start() { Spawn(context_.executor, Watch()); }
  void Stop() {
    stop_.request_stop();
    watching_.WaitUntilNone();
  }

  // A call that is under way on one pod. End it before it is dropped.
  struct Lease {
    PodId pod = 0;
    ProviderAdapter::Stub* stub = nullptr;
  };
  std::optional<Lease> Begin(const absl::flat_hash_set<PodId>& tried) {
    MutexLock lock(mutex_);
    const auto pod = choice_.Begin(tried, context_.clock.Monotonic());
    if (!pod) return std::nullopt;
    if (!tried.empty()) moved_.Increment();
    Target& target = *targets_.at(*pod);
    ++target.calls;
    return Lease{*pod, target.stub.get()};
  }
  void End(PodId pod, Outcome outcome) {
    MutexLock lock(mutex_);
    --targets_.at(pod)->calls;
    choice_.End(pod, outcome, context_.clock.Monotonic());
  }

  rpc::CallOptions Options(PeerCall call) const {
    return {.deadline = call.deadline,
            .grant = context_.minter.Mint(identity::kProviderAdapterAudience, call.principal,
                                          call.turn_id, context_.clock.Now()),
            .traceparent = std::move(call.traceparent),
            .stop = std::move(call.stop)};
  }

 private:
  Awaitable<void> Watch() {
    const auto hold = watching_.Hold();
    const absl::Duration interval = FromProto(context_.settings.resolve_interval());
    absl::Duration since = interval;
    while (!stop_.stop_requested()) {
      if (since >= interval || NobodyIsWell()) {
        since = absl::ZeroDuration();
        Take(co_await lookup_());
      }
      Sweep();
      const absl::Duration pause = std::min(kUrgent, interval);
      co_await SleepOrStop(context_.timers, pause, stop_.get_token());
      since += pause;
    }
  }

  bool NobodyIsWell() {
    MutexLock lock(mutex_);
    return choice_.avoided(context_.clock.Monotonic()) == choice_.pods();
  }

  void Take(absl::StatusOr<std::vector<std::string>> addresses) {
    if (!addresses.ok()) {
      if (std::exchange(told_, true)) return;
      Log(Severity::kWarning,
          "the provider-adapters cannot be looked up; those that are known stay",
          {{"status", addresses.status().message()}});
      return;
    }
    told_ = false;
    MutexLock lock(mutex_);
    const PodChoice::Change change = choice_.SetAddresses(*std::move(addresses));
    for (const PodId pod : change.gone) targets_.at(pod)->gone = true;
    for (const PodId pod : change.come) {
      targets_.emplace(pod, std::make_unique<Target>(open_(choice_.AddressOf(pod))));
    }
  }

  // Drops pods that are gone and have no call any more; here, for it must not be a thread of
  // gRPC's.
  void Sweep() {
    std::vector<std::unique_ptr<Target>> dropped;
    MutexLock lock(mutex_);
    known_.Set(static_cast<double>(choice_.pods()));
    avoided_.Set(static_cast<double>(choice_.avoided(context_.clock.Monotonic())));
    for (auto target = targets_.begin(); target != targets_.end();) {
      const auto here = target++;
      Target& its = *here->second;
      if (!its.gone || its.calls > 0) continue;
      its.stub.reset();
      if (its.channel.use_count() > 1) continue;
      dropped.push_back(std::move(here->second));
      targets_.erase(here);
    }
  }

  const Context context_;
  const AdapterLookup lookup_;
  const Open open_;
  prometheus::Gauge& known_;
  prometheus::Gauge& avoided_;
  prometheus::Counter& moved_;
  LiveCount watching_;
  std::stop_source stop_;
  // Of Watch alone.
  bool told_ = false;

  Mutex mutex_;
  PodChoice choice_ ABSL_GUARDED_BY(mutex_);
  // Those that are gone as well, while they have calls.
  absl::flat_hash_map<PodId, std::unique_ptr<Target>> targets_ ABSL_GUARDED_BY(mutex_);
};

// One call, on one pod after the other until one takes it.
class AdapterPods::Stream : public GenerateStream {
 public:
  Stream(std::shared_ptr<Pods> pods, PeerCall call, provider::v1::GenerateRequest request)
      : pods_(std::move(pods)), call_(std::move(call)), request_(std::move(request)) {}
  // Who has heard the end does not wait for that of the stream.
  ~Stream() override { Close(taken_ ? Outcome::kWell : Outcome::kNothing); }

  Awaitable<absl::StatusOr<std::optional<provider::v1::GenerateEvent>>> Next() override {
    while (true) {
      if (!events_ && !OpenNext()) co_return refused_;
      auto event = co_await events_->Next();
      if (event.ok() && event->has_value()) {
        if (!std::exchange(taken_, true)) request_.Clear();
        co_return event;
      }
      const Outcome outcome = event.ok() ? Outcome::kWell : OutcomeOf(event.status());
      Close(outcome);
      const bool next = outcome == Outcome::kFull || outcome == Outcome::kFailed;
      if (!next || taken_ || call_.stop.stop_requested()) co_return event;
      refused_ = event.status();
    }
  }

 private:
  bool OpenNext() {
    const auto lease = pods_->Begin(tried_);
    if (!lease) return false;
    tried_.insert(lease->pod);
    pod_ = lease->pod;
    events_.emplace(rpc::ServerStream<GenerateEventBatch>::Open(
        lease->stub->async(), &ProviderAdapter::Stub::async::Generate, request_,
        pods_->Options(call_)));
    return true;
  }
  void Close(Outcome outcome) {
    if (!events_) return;
    events_.reset();
    pods_->End(pod_, outcome);
  }

  const std::shared_ptr<Pods> pods_;
  const PeerCall call_;
  // Until a pod has taken it.
  provider::v1::GenerateRequest request_;
  bool taken_ = false;
  absl::flat_hash_set<PodId> tried_;
  absl::Status refused_ = absl::UnavailableError("there is no provider-adapter");
  PodId pod_ = 0;
  std::optional<rpc::BatchedStream<GenerateEventBatch>> events_;
};

AdapterPods::AdapterPods(const Context& context, AdapterLookup lookup, Open open)
    : pods_(std::make_shared<Pods>(context, std::move(lookup), std::move(open))) {
  pods_->Start();
}

AdapterPods::~AdapterPods() { pods_->Stop(); }

std::unique_ptr<GenerateStream> AdapterPods::Generate(PeerCall call,
                                                      provider::v1::GenerateRequest request) {
  return std::make_unique<Stream>(pods_, std::move(call), std::move(request));
}

}  // namespace penstock::dispatcher
