#include "services/provider_adapter/generate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using provider::v1::GenerateEvent;
using provider::v1::GenerateEventBatch;
using provider::v1::GenerateRequest;

// The end carries the whole text once more: with more than this before it, it goes by itself, so
// that a message stays far below rpc::kMaxMessageBytes.
constexpr size_t kMaxBytesBesideTheEnd = 256 << 10;
// When every stream is taken: about the life of a short answer.
constexpr absl::Duration kFullRetryDelay = absl::Milliseconds(250);

absl::Status ModelUnknown(const GenerateRequest& request) {
  return Refusal(absl::StatusCode::kUnavailable, "MODEL_UNKNOWN",
                 absl::StrCat("model ", request.model(),
                              request.provider().empty() ? "" : " at provider ", request.provider(),
                              ": not in this adapter's configuration"))
      .With("model", request.model());
}

// `setting`: the one that bounds them.
absl::Status StreamsFull(absl::string_view whose, int streams, absl::string_view setting,
                         const ProviderRoute& provider) {
  return Refusal(absl::StatusCode::kResourceExhausted, "STREAMS_FULL",
                 absl::StrCat(whose, ": all ", streams, " streams are open"))
      .With("provider", provider.name)
      .With("limit", setting)
      .RetryAfter(kFullRetryDelay);
}

absl::Status DeadlineInPast() {
  return Refusal(absl::StatusCode::kDeadlineExceeded, "DEADLINE_IN_PAST",
                 "the turn's deadline has passed");
}

// The request can never succeed, so it is an answer, not a refusal to try.
GenerateEvent InvalidRequest(const ProviderRoute& provider, const absl::Status& status) {
  GenerateEvent event;
  *event.mutable_failed() =
      FailureOf(provider.name, chat::v1::INVALID_REQUEST,
                absl::string_view(status.message().data(), status.message().size()));
  return event;
}

// What the provider can find in its own records: the turn and the attempt, without the session,
// whose id may be the caller's own words.
std::optional<std::string> ClientRequestId(const GenerateRequest& request) {
  absl::string_view turn = request.turn();
  if (const size_t slash = turn.rfind('/'); slash != absl::string_view::npos) {
    turn.remove_prefix(slash + 1);
  }
  if (turn.empty() || turn.size() > 64 ||
      !std::all_of(turn.begin(), turn.end(), absl::ascii_isgraph)) {
    return std::nullopt;
  }
  return absl::StrCat("X-Client-Request-Id: ", turn, ".", request.attempt());
}

GenerateEventBatch EventsOf(Attempt::Batch batch) {
  GenerateEventBatch events;
  if (batch.started) {
    provider::v1::GenerateStarted& started = *events.add_events()->mutable_started();
    started.set_provider_request_id(std::move(batch.request_id));
    if (batch.limits) *started.mutable_limits() = *std::move(batch.limits);
  }
  for (DeltaPiece& piece : batch.deltas) {
    PENSTOCK_FAILPOINT("provider_adapter.before_delta");
    provider::v1::GenerateDelta& delta = *events.add_events()->mutable_delta();
    delta.set_part(piece.part);
    delta.set_kind(static_cast<chat::v1::Delta::Kind>(piece.kind));
    delta.set_text(std::move(piece.text));
  }
  return events;
}

// GenerateFinished or GenerateFailed.
template <typename End>
void CountSpentAt(const End& end, ModelMetrics& metrics) {
  metrics.Spent(end.usage(),
                end.has_cost_nano_usd() ? std::optional(end.cost_nano_usd()) : std::nullopt);
}

void CountSpent(const provider::v1::GenerateEvent& end, ModelMetrics& metrics) {
  if (end.has_failed()) return CountSpentAt(end.failed(), metrics);
  CountSpentAt(end.finished(), metrics);
}

}  // namespace

// One of a provider's streams, while it is held.
class Generator::StreamSlot {
 public:
  StreamSlot(ProviderRoute& provider, StreamBound& process, ProviderMetrics& metrics)
      : provider_(provider),
        process_(process),
        metrics_(metrics),
        provider_has_room_(++provider.open_streams <= provider.max_streams),
        process_has_room_(++process.open <= process.most) {
    if (refusal().ok()) {
      metrics_.Opened();
    } else {
      metrics_.Refused();
    }
  }
  ~StreamSlot() {
    --process_.open;
    --provider_.open_streams;
    if (refusal().ok()) metrics_.Closed();
  }
  StreamSlot(const StreamSlot&) = delete;
  StreamSlot& operator=(const StreamSlot&) = delete;

  absl::Status refusal() const {
    if (!process_has_room_) {
      return StreamsFull("this adapter", process_.most, "adapter.max_streams", provider_);
    }
    if (provider_has_room_) return absl::OkStatus();
    return StreamsFull(absl::StrCat("provider ", provider_.name), provider_.max_streams,
                       "providers[].max_streams", provider_);
  }

 private:
  ProviderRoute& provider_;
  StreamBound& process_;
  ProviderMetrics& metrics_;
  const bool provider_has_room_;
  const bool process_has_room_;
};

absl::StatusOr<std::unique_ptr<Generator>> Generator::Create(const config::v1::Config& config,
                                                             Routes::Environment environment,
                                                             http::HttpStreamClient& client,
                                                             Timers& timers, Clock& clock,
                                                             obs::Metrics& metrics) {
  PENSTOCK_ASSIGN_OR_RETURN(auto routes, Routes::Read(config, environment));
  const Settings settings = {
      .max_duration = FromProto(config.turn().max_duration()),
      .coalescing = {.interval = FromProto(config.stream().delta_interval()),
                     .bytes = static_cast<size_t>(config.stream().delta_bytes())},
      .max_output_bytes = static_cast<size_t>(config.turn().max_output_bytes()),
      .max_streams =
          config.has_adapter() ? config.adapter().max_streams() : std::numeric_limits<int>::max()};
  return std::unique_ptr<Generator>(
      new Generator(std::move(routes), settings, client, timers, clock, metrics));
}

Generator::Generator(std::unique_ptr<Routes> routes, Settings settings,
                     http::HttpStreamClient& client, Timers& timers, Clock& clock,
                     obs::Metrics& metrics)
    : routes_(std::move(routes)),
      settings_(settings),
      client_(client),
      timers_(timers),
      clock_(clock),
      streams_{.most = settings.max_streams} {
  metrics
      .AddGauge("penstock_provider_adapter_max_streams",
                "Calls of providers that this process may have under way.")
      .Set(settings.max_streams);
  for (const auto& provider : routes_->providers()) {
    provider_metrics_.emplace(provider->name, ProviderMetrics(metrics, provider->name));
    provider->transport->on_event = [counters = TransportMetrics(metrics, provider->name)](
                                        http::TransportEvent event) { counters.Count(event); };
  }
  for (const auto& [name, lanes] : routes_->models()) {
    for (const ModelRoute& lane : lanes) {
      model_metrics_.emplace(&lane, ModelMetrics(metrics, lane.provider->name, name));
    }
  }
}

Awaitable<absl::Status> Generator::Generate(const GenerateRequest& request, EventSink& sink,
                                            std::stop_token stop) {
  const ModelRoute* model = routes_->Find(request.model(), request.provider());
  if (model == nullptr) co_return ModelUnknown(request);
  ProviderRoute& provider = *model->provider;
  ProviderMetrics& metrics = provider_metrics_.at(provider.name);
  const StreamSlot slot(provider, streams_, metrics);
  if (const absl::Status full = slot.refusal(); !full.ok()) co_return full;
  const absl::Duration left = TimeLeft(request);
  if (left <= absl::ZeroDuration()) co_return DeadlineInPast();
  absl::StatusOr<std::string> body =
      provider.protocol->Body(model->wire_name, model->terms, request);
  if (!body.ok()) {
    model_metrics_.at(model).Failed(chat::v1::INVALID_REQUEST);
    GenerateEventBatch failed;
    *failed.add_events() = InvalidRequest(provider, body.status());
    co_return co_await sink.Write(std::move(failed));
  }

  const std::shared_ptr<const Credential> credential = provider.credential.Get();
  const std::shared_ptr<Attempt> attempt = NewAttempt(provider, request);
  http::HttpRequest http = {.url = provider.url,
                            .headers = credential->headers,
                            .body = *std::move(body),
                            .transport = provider.transport,
                            .max_answer_bytes = provider.max_answer_bytes,
                            .connect_timeout = provider.connect_timeout,
                            .first_byte_timeout = provider.first_byte_timeout,
                            .idle_timeout = provider.idle_timeout,
                            .total_timeout = left};
  if (auto id = ClientRequestId(request)) http.headers.push_back(*std::move(id));
  PENSTOCK_FAILPOINT("provider_adapter.before_request");
  metrics.Sent(http.body.size());
  const http::HttpCallId call = client_.Start(std::move(http), attempt);
  const std::stop_callback on_stop(stop, [&attempt] { attempt->Stop(); });
  const absl::Status status = co_await Relay(*attempt, *model, *credential, sink);
  if (!status.ok()) client_.Cancel(call);
  Count(*attempt, *model);
  co_return status;
}

absl::Duration Generator::TimeLeft(const GenerateRequest& request) const {
  if (!request.has_deadline()) return settings_.max_duration;
  return FromProto(request.deadline()) - clock_.Now();
}

std::shared_ptr<Attempt> Generator::NewAttempt(const ProviderRoute& provider,
                                               const GenerateRequest& request) const {
  return std::make_shared<Attempt>(AttemptContext{.provider = provider.name,
                                                  .clock = clock_,
                                                  .timers = timers_,
                                                  .coalescing = settings_.coalescing,
                                                  .max_output_bytes = settings_.max_output_bytes,
                                                  .tools = OfferedTools(request)},
                                   provider.protocol->NewParser());
}

Awaitable<absl::Status> Generator::Relay(Attempt& attempt, const ModelRoute& model,
                                         const Credential& credential, EventSink& sink) {
  ModelMetrics& metrics = model_metrics_.at(&model);
  while (true) {
    Attempt::Batch batch = co_await attempt.Next();
    const bool ended = batch.ended;
    const bool stopped = batch.stopped;
    GenerateEventBatch events = EventsOf(std::move(batch));
    const bool goes_alone = !ended || events.ByteSizeLong() > kMaxBytesBesideTheEnd;
    absl::Status told;
    if (stopped) {
      told = absl::CancelledError("the call was cancelled");
    } else if (events.events_size() > 0 && goes_alone) {
      told = co_await sink.Write(std::exchange(events, {}));
    }
    if (!told.ok()) {
      metrics.Cancelled();
      co_return told;
    }
    if (!ended) continue;
    Attempt::End end = attempt.TakeEnd(model.rates);
    CountSpent(end.event, metrics);
    if (end.failure) {
      metrics.Failed(*end.failure);
      Failure& failed = *end.event.mutable_failed();
      failed.set_message(HideKey(std::move(*failed.mutable_message()), credential));
    } else {
      metrics.Succeeded();
    }
    PENSTOCK_FAILPOINT("provider_adapter.before_finished");
    *events.add_events() = std::move(end.event);
    co_return co_await sink.Write(std::move(events));
  }
}

void Generator::Count(const Attempt& attempt, const ModelRoute& model) {
  provider_metrics_.at(model.provider->name).Received(attempt.received_bytes());
  if (const auto after = attempt.time_to_first_text()) {
    model_metrics_.at(&model).FirstToken(*after);
  }
}

}  // namespace penstock::provider_adapter
