#include "tests/simulation/dispatcher_life.h"

#include "libs/host/health.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {
namespace {

// The core blocks nowhere, and asks nobody how it is.
BoundedExecutor& NoThreads() {
  static auto* const none = new BoundedExecutor(0, 0);
  return *none;
}

const host::Health& NoHealth() {
  static const auto* const none = new host::Health;
  return *none;
}

}  // namespace

DispatcherLife::DispatcherLife(const Surroundings& around)
    : around_(around),
      life_(around.world),
      journal_(around.disk, &life_),
      session_(life_, around.network, around.sessions),
      memory_(life_, around.network, around.memories),
      provider_(life_, around.provider),
      environment_{around.config, around.world.io(), life_.executor(), life_.timers(), around.world,
                   NoThreads(),   metrics_,          NoHealth(),       life_.chance()},
      core_(std::make_unique<dispatcher::DispatcherCore>(
          environment_, dispatcher::Peers{session_, memory_, provider_}, journal_)) {}

void DispatcherLife::Start() { Spawn(life_.executor(), Recover()); }

Awaitable<void> DispatcherLife::Recover() {
  const absl::Status recovered = co_await core_->Recover();
  if (life_.dead()) co_return;
  if (!recovered.ok()) {
    around_.witness.Accuse("RECOVERY", "dispatcher", recovered.message());
    co_return;
  }
  const RowCounts rows = CountRows(around_.disk);
  const double live = Gauge("penstock_dispatcher_live_turns");
  if (static_cast<int64_t>(live) != rows.unfinished_turns) {
    around_.witness.Accuse(
        "RECOUNT", "live turns",
        absl::StrCat(live, " taken up, the journal has ", rows.unfinished_turns));
  }
  around_.world.Note("dispatcher serves; unfinished turns:", absl::StrCat(rows.unfinished_turns));
  serves_ = true;
}

void DispatcherLife::Kill() {
  if (dead()) return;
  serves_ = false;
  life_.Kill();
  around_.provider.CloseAll(life_);
  for (auto& [call, breaks] : std::exchange(calls_, {})) {
    around_.world.After(around_.network.Way(), std::move(breaks));
  }
  // Twice: a recovery that was under way takes turns up in its last moments.
  for (int i = 0; i < 2; ++i) {
    core_->RequestStop();
    life_.Unwind();
  }
  core_.reset();
  life_.Unwind();
}

void DispatcherLife::Replace() {
  journal_.Freeze();
  provider_.Disown();
}

double DispatcherLife::Gauge(const std::string& name) {
  if (name.find("_pool_") == std::string::npos) return metrics_.AddGauge(name, "").Value();
  double sum = 0;
  for (const auto& model : around_.config.models()) {
    sum += metrics_.AddGauge(name, "", {{"pool", model.name()}}).Value();
  }
  return sum;
}

uint64_t DispatcherLife::Begin(std::function<void()> breaks) {
  calls_.emplace(next_call_, std::move(breaks));
  return next_call_++;
}

bool DispatcherLife::End(uint64_t call) { return calls_.erase(call) > 0; }

void DispatcherLife::ServeStream(identity::Principal principal,
                                 std::optional<dispatcher::v1::SubmitTurnRequest> request,
                                 std::string turn, int64_t after_index,
                                 std::shared_ptr<EventStream> stream) {
  const uint64_t call = Begin([this, stream] { Tell(stream, {}, Broken()); });
  Spawn(life_.executor(), Relay(call, std::move(principal), std::move(request), std::move(turn),
                                after_index, stream));
}

Awaitable<void> DispatcherLife::Relay(uint64_t call, identity::Principal principal,
                                      std::optional<dispatcher::v1::SubmitTurnRequest> request,
                                      std::string turn, int64_t after_index,
                                      std::shared_ptr<EventStream> stream) {
  absl::Status status;
  if (request) {
    const auto submission =
        co_await core_->Submit(principal, *std::move(request), "", /*watched=*/true);
    status = submission.status();
    if (submission.ok()) turn = submission->turn_name;
  }
  if (status.ok()) {
    auto events = co_await core_->Watch(principal, turn, after_index, /*outcome_only=*/false);
    status = events.status();
    while (status.ok()) {
      auto batch = co_await events->Next(stream->left.get_token());
      status = batch.status();
      if (!batch.ok() || life_.dead()) break;
      if (!batch->events.empty()) Tell(stream, std::move(batch->events), std::nullopt);
      if (batch->end) break;
    }
  }
  if (End(call)) Tell(stream, {}, status);
}

void DispatcherLife::Tell(const std::shared_ptr<EventStream>& stream,
                          std::vector<chat::v1::TurnEvent> events,
                          std::optional<absl::Status> end) {
  World& world = around_.world;
  const absl::Duration at =
      std::max(world.Monotonic() + around_.network.Way(), stream->last_told + absl::Nanoseconds(1));
  stream->last_told = at;
  world.After(at - world.Monotonic(),
              [stream, events = std::move(events), end = std::move(end)]() mutable {
                if (stream->ended) return;
                for (auto& event : events) stream->events.push_back(std::move(event));
                stream->ended = std::move(end);
                if (const auto wake = std::exchange(stream->wake, nullptr)) {
                  wake->Set(absl::OkStatus());
                }
              });
}

}  // namespace penstock::simulation
