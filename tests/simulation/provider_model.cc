#include "tests/simulation/provider_model.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/tokens/raw_tokens.h"
#include "tests/simulation/session_model.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {

using provider::v1::GenerateEvent;

struct ModelCall {
  int id = 0;
  Life* from = nullptr;
  std::stop_token stop;
  std::string tenant;
  std::string turn;
  chat::v1::GenerationConfig generation;
  bool offers_tools = false;
  // What the user said last.
  std::string said;
  double input_tokens = 0;
  int64_t output_tokens = 0;
  // Place in the history; -1: not kept.
  int64_t seen_as = -1;
  bool charged = false;
  bool closed = false;
  // When the answer begins, at the provider.
  absl::Duration begun = absl::ZeroDuration();
  // The newest thing that is on its way back arrives then: what follows comes later.
  absl::Duration last_told = absl::ZeroDuration();
  std::deque<absl::StatusOr<std::optional<GenerateEvent>>> told;
  std::shared_ptr<OneShot<absl::Status>> wake;

  double MaxOutput() const { return generation.max_output_tokens(); }
};

namespace {

using chat::v1::Message;
using chat::v1::Part;

constexpr int64_t kMessageTokens = 4;
// Of an adapter, between two bytes.
constexpr absl::Duration kIdle = absl::Seconds(60);
constexpr double kSpread = 0.8;

size_t BytesOf(const Part& part) {
  return part.text().text().size() + part.tool_call().name().size() +
         part.tool_call().arguments().size() + part.tool_result().content().size();
}

// As the dispatcher counts, so that what a permit reserves is what the provider charges.
double InputTokens(const provider::v1::GenerateRequest& request) {
  int64_t tokens = 0;
  for (const Message& message : request.messages()) {
    tokens += kMessageTokens;
    size_t bytes = 0;
    for (const Part& part : message.parts()) {
      if (message.role() == chat::v1::USER) {
        tokens += RawTokens(BytesOf(part));
      } else {
        bytes += BytesOf(part);
      }
    }
    tokens += RawTokens(bytes);
  }
  for (const auto& tool : request.tools()) {
    tokens += kMessageTokens +
              RawTokens(tool.name().size() + tool.description().size() + tool.parameters().size());
  }
  return static_cast<double>(tokens);
}

std::string TextOf(const provider::v1::GenerateRequest& request) {
  std::string text;
  for (const Message& message : request.messages()) {
    for (const Part& part : message.parts()) {
      absl::StrAppend(&text, part.text().text(), part.tool_result().content(), "\n");
    }
  }
  return text;
}

// How often the assistant has answered since the user's last message.
int StepOf(const provider::v1::GenerateRequest& request) {
  int steps = 0;
  for (const Message& message : request.messages()) {
    if (message.role() == chat::v1::USER) steps = 0;
    if (message.role() == chat::v1::ASSISTANT) ++steps;
  }
  return steps;
}

std::string LastSaid(const provider::v1::GenerateRequest& request) {
  for (int i = request.messages_size(); i-- > 0;) {
    const Message& message = request.messages(i);
    if (message.role() == chat::v1::USER) return message.parts().rbegin()->text().text();
  }
  return "";
}

class ModelStream : public dispatcher::GenerateStream {
 public:
  ModelStream(ProviderModel& model, std::shared_ptr<ModelCall> call)
      : model_(model), call_(std::move(call)) {}
  ~ModelStream() override { model_.Close(call_); }

  Awaitable<absl::StatusOr<std::optional<GenerateEvent>>> Next() override {
    while (call_->told.empty()) {
      if (call_->stop.stop_requested()) co_return absl::CancelledError("stopped");
      const auto wake = std::make_shared<OneShot<absl::Status>>();
      call_->wake = wake;
      const std::stop_callback on_stop(call_->stop,
                                       [wake] { wake->Set(absl::CancelledError("stopped")); });
      const absl::Status woken = co_await call_->from->Wait(wake);
      if (!woken.ok()) co_return woken;
    }
    auto next = std::move(call_->told.front());
    call_->told.pop_front();
    co_return next;
  }

 private:
  ProviderModel& model_;
  const std::shared_ptr<ModelCall> call_;
};

}  // namespace

int64_t OutputTokens(Chance& chance, double mean, double most) {
  // A normal number, of twelve uniform ones.
  double normal = -6;
  for (int i = 0; i < 12; ++i) normal += chance.Fraction();
  const double output = mean * std::exp(kSpread * normal - kSpread * kSpread / 2);
  return static_cast<int64_t>(std::clamp(output, 1.0, most));
}

ProviderModel::ProviderModel(World& world, Witness& witness, const ProviderPlan& plan)
    : world_(world), witness_(witness), plan_(plan) {
  if (!plan.renewal.empty()) law_ = laws::LawOf(plan.renewal, plan.tokens_per_minute);
}

void ProviderModel::Calm() {
  plan_.not_taken = plan_.refused = plan_.overloaded = plan_.hangs = plan_.breaks = 0;
}

absl::Duration ProviderModel::Way() {
  return world_.chance().Between(plan_.least_way, plan_.most_way);
}

std::shared_ptr<ModelCall> ProviderModel::Make(Life& from, dispatcher::PeerCall peer,
                                               provider::v1::GenerateRequest request,
                                               bool of_owner) {
  auto call = std::make_shared<ModelCall>();
  call->from = &from;
  if (from.dead()) return call;
  call->id = next_call_++;
  open_.emplace(call->id, call);
  call->stop = peer.stop;
  call->tenant = peer.principal.tenant;
  call->turn = request.turn();
  call->generation = request.generation();
  call->offers_tools = !request.tools().empty() &&
                       request.generation().tool_choice().mode() != chat::v1::ToolChoice::NONE;
  call->said = LastSaid(request);
  call->input_tokens = last_input_tokens_ = InputTokens(request);
  world_.Note("dispatcher calls the provider for", request.turn());
  if (++calls_of_[&from] > plan_.concurrency) {
    witness_.Accuse(
        "CONCURRENCY", request.turn(),
        absl::StrCat("call ", calls_of_[&from], " at a time, allowed ", plan_.concurrency));
  }
  if (of_owner && witness_.remembers()) {
    call->seen_as = static_cast<int64_t>(witness_.history().provider_calls.size());
    witness_.history().provider_calls.push_back({.turn = request.turn(),
                                                 .attempt = request.attempt(),
                                                 .start = world_.Now(),
                                                 .text = TextOf(request),
                                                 .step = StepOf(request)});
  }
  if (world_.chance().With(plan_.not_taken)) {
    Break(call, Way(), absl::UnavailableError("no adapter"));
  } else {
    world_.After(Way(), [this, call] { Arrive(call); });
  }
  return call;
}

void ProviderModel::Close(const std::shared_ptr<ModelCall>& call) {
  if (open_.erase(call->id) == 0) return;
  --calls_of_[call->from];
  call->closed = true;
  // What it has generated by then is charged.
  world_.After(Way(), [this, call] {
    const double generated =
        absl::FDivDuration(world_.Monotonic() - call->begun - plan_.first_token, plan_.per_token);
    End(call, std::clamp(generated, 0.0, static_cast<double>(call->output_tokens)));
  });
}

void ProviderModel::CloseAll(const Life& of) {
  std::vector<CallPtr> calls;
  for (const auto& [id, call] : open_) {
    if (call->from == &of) calls.push_back(call);
  }
  for (const CallPtr& call : calls) Close(call);
}

void ProviderModel::Arrive(const CallPtr& call) {
  if (call->closed) return;
  if (world_.chance().With(plan_.refused)) {
    return Fail(call, chat::v1::PROVIDER_RATE_LIMITED, 429);
  }
  const laws::Demand demand{.amount = call->input_tokens + call->MaxOutput(),
                            .refundable = call->MaxOutput()};
  if (law_ != nullptr && !law_->Admit(call->id, demand, world_.Monotonic())) {
    ++refused_;
    world_.Note("provider's limits refuse", call->turn);
    return Fail(call, chat::v1::PROVIDER_RATE_LIMITED, 429);
  }
  call->charged = law_ != nullptr;
  call->output_tokens = OutputTokens(world_.chance(), plan_.mean_output, call->MaxOutput());
  call->begun = world_.Monotonic();
  if (world_.chance().With(plan_.overloaded)) {
    const bool busy = world_.chance().With(0.5);
    Fail(call, busy ? chat::v1::PROVIDER_OVERLOADED : chat::v1::PROVIDER_INTERNAL,
         busy ? 503 : 500);
    return End(call, -call->input_tokens);
  }
  Answer(call);
}

void ProviderModel::Answer(const CallPtr& call) {
  GenerateEvent started;
  started.mutable_started()->set_provider_request_id(absl::StrCat("call-", call->id));
  if (law_ != nullptr) {
    const absl::Duration reset = law_->Reset(world_.Monotonic());
    if (reset > absl::ZeroDuration()) {
      *started.mutable_started()->mutable_limits()->mutable_tokens()->mutable_reset() =
          ToProto(reset);
    }
  }
  TellAfter(call, absl::ZeroDuration(), std::move(started));
  if (world_.chance().With(plan_.hangs)) {
    world_.After(kIdle, [this, call] { Fail(call, chat::v1::PROVIDER_TIMEOUT, 0); });
    return;
  }
  Finish(call, plan_.first_token + plan_.per_token * call->output_tokens);
}

void ProviderModel::Finish(const CallPtr& call, absl::Duration service) {
  const Message message = MessageOf(*call);
  const std::string words = WordsOf(message);
  const int pieces = static_cast<int>(world_.chance().Between(1, 3));
  const bool breaks = world_.chance().With(plan_.breaks);
  const size_t piece = words.size() / static_cast<size_t>(pieces) + 1;
  for (int i = 0; i < pieces; ++i) {
    const size_t begin = piece * static_cast<size_t>(i);
    if (begin >= words.size()) break;
    GenerateEvent delta;
    delta.mutable_delta()->set_kind(chat::v1::Delta::TEXT);
    delta.mutable_delta()->set_text(words.substr(begin, piece));
    TellAfter(call, plan_.first_token + (service - plan_.first_token) * i / pieces,
              std::move(delta));
  }
  if (breaks) return Break(call, service, absl::UnavailableError("the stream broke"));
  if (witness_.remembers()) witness_.turns()[call->turn].answers.insert(words);
  GenerateEvent end;
  auto& finished = *end.mutable_finished();
  *finished.mutable_message() = message;
  const bool asks = message.parts_size() > 1;
  finished.set_finish_reason(asks ? chat::v1::TOOL_CALLS : chat::v1::STOP);
  finished.mutable_usage()->set_input_tokens(static_cast<int64_t>(call->input_tokens));
  finished.mutable_usage()->set_output_tokens(call->output_tokens);
  finished.set_cost_nano_usd(call->output_tokens);
  TellAfter(call, service, std::move(end));
  world_.After(service, [this, call] {
    End(call, static_cast<double>(call->output_tokens));
    if (call->closed) return;
    const auto output = static_cast<double>(call->output_tokens);
    served_[call->tenant] += call->input_tokens + 4 * output;
    if (counts_tokens_) tokens_.emplace_back(world_.Monotonic(), call->input_tokens + output);
  });
}

void ProviderModel::End(const CallPtr& call, double output) {
  if (call->seen_as >= 0) {
    auto& seen = witness_.history().provider_calls[static_cast<size_t>(call->seen_as)];
    seen.end = std::min(seen.end, world_.Now());
  }
  if (!std::exchange(call->charged, false)) return;
  law_->End(call->id, call->MaxOutput() - output, world_.Monotonic());
}

void ProviderModel::TellAfter(const CallPtr& call, absl::Duration delay, GenerateEvent event) {
  const absl::Duration at =
      std::max(world_.Monotonic() + delay + Way(), call->last_told + absl::Nanoseconds(1));
  call->last_told = at;
  const bool whole = event.has_finished();
  if (whole) longest_answer_ = std::max(longest_answer_, at + plan_.most_way - call->begun);
  world_.After(at - world_.Monotonic(), [this, call, whole, event = std::move(event)]() mutable {
    if (call->closed) return;
    if (whole && call->seen_as >= 0) {
      witness_.history().provider_calls[static_cast<size_t>(call->seen_as)].completed = true;
    }
    call->told.emplace_back(std::move(event));
    if (const auto wake = std::exchange(call->wake, nullptr)) wake->Set(absl::OkStatus());
  });
}

void ProviderModel::Break(const CallPtr& call, absl::Duration delay, absl::Status status) {
  const absl::Duration at =
      std::max(world_.Monotonic() + delay, call->last_told + absl::Nanoseconds(1));
  world_.After(at - world_.Monotonic(), [call, status] {
    if (call->closed) return;
    call->told.emplace_back(status);
    if (const auto wake = std::exchange(call->wake, nullptr)) wake->Set(absl::OkStatus());
  });
}

void ProviderModel::Fail(const CallPtr& call, chat::v1::ErrorKind kind, int http_status) {
  GenerateEvent event;
  event.mutable_failed()->set_kind(kind);
  event.mutable_failed()->set_message("the provider failed");
  event.mutable_failed()->set_http_status(http_status);
  if (http_status == 429) {
    *event.mutable_failed()->mutable_retry_after() =
        ToProto(world_.chance().Between(absl::Milliseconds(500), absl::Seconds(3)));
  }
  TellAfter(call, absl::ZeroDuration(), std::move(event));
}

Message ProviderModel::MessageOf(const ModelCall& call) {
  Message message;
  message.set_role(chat::v1::ASSISTANT);
  message.add_parts()->mutable_text()->set_text(
      absl::StrCat("answer ", call.id, " to ", call.said));
  if (!call.offers_tools || !world_.chance().With(plan_.asks_for_tools)) return message;
  const int64_t calls = world_.chance().Between(1, 2);
  for (int64_t i = 0; i < calls; ++i) {
    auto* asked = message.add_parts()->mutable_tool_call();
    asked->set_id(absl::StrCat("call", call.id, ".", i));
    asked->set_name("look_up");
    asked->set_arguments("{}");
  }
  return message;
}

double ProviderModel::TokensBetween(absl::Duration from, absl::Duration to) const {
  double tokens = 0;
  for (const auto& [at, amount] : tokens_) {
    if (at >= from && at <= to) tokens += amount;
  }
  return tokens;
}

std::unique_ptr<dispatcher::GenerateStream> ProviderLink::Generate(
    dispatcher::PeerCall call, provider::v1::GenerateRequest request) {
  return std::make_unique<ModelStream>(
      model_, model_.Make(life_, std::move(call), std::move(request), of_owner_));
}

}  // namespace penstock::simulation
