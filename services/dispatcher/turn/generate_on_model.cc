#include "services/dispatcher/turn/generate_on_model.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "libs/async/sleep_or_stop.h"
#include "libs/base/failpoint.h"
#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/pricing/price.h"
#include "services/dispatcher/admission/max_wait.h"
#include "services/dispatcher/turn/answer.h"
#include "services/dispatcher/turn/generate_attempt.h"
#include "services/dispatcher/turn/retry_policy.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using provider::v1::GenerateFailed;

Tried Fails(GenerateFailed failed) {
  return {.progress = std::nullopt, .failed = std::move(failed)};
}

void TellStarted(const Run& run, const Prompt& prompt, bool degraded) {
  const bool first = run.turn->step() == 0 && run.turn->queued();
  if (!run.turn->MarkStarted(prompt.request.model(), prompt.memories, degraded)) return;
  const v1::Submitted& submitted = run.turn->submitted();
  if (first) {
    run.services.metrics.ObserveWait(submitted.turn_class(),
                                     run.now() - FromProto(submitted.create_time()),
                                     run.turn->first_eta());
  }
  chat::v1::TurnEvent event;
  auto* started = event.mutable_started();
  started->set_run(run.turn->run());
  started->set_model(prompt.request.model());
  for (const auto& memory : prompt.memories) started->add_recalled_memories(memory);
  run.turn->log().Append(std::move(event), run.now());
}

// What an attempt took is part of the turn's bill, however it ended.
template <class End>
void Bill(LiveTurn& turn, const End& end) {
  turn.Spend(end.usage(),
             end.has_cost_nano_usd() ? std::optional(end.cost_nano_usd()) : std::nullopt);
}

// What a call of `model` took that was cut before the provider could report it.
void BillEstimated(const Run& run, const config::v1::Model& model, const BoundedAnswer& answer) {
  LiveTurn& turn = *run.turn;
  chat::v1::Usage usage;
  usage.set_input_tokens(answer.size().input_tokens);
  const int64_t bytes = BytesOf(turn.log().TextOf(turn.step())) - answer.kept_bytes();
  usage.set_output_tokens((std::max<int64_t>(bytes, 0) + 3) / 4);
  usage.set_estimated(true);
  std::optional<pricing::Rates> rates;
  if (model.has_price()) rates = pricing::ToRates(model.price());
  turn.Spend(usage, pricing::CostNanoUsd(rates, usage));
}

// What the usage of a call that ended well teaches.
void Learn(const Run& run, const Prepared& prepared, const BoundedAnswer& answer,
           const chat::v1::Usage& usage) {
  if (!answer.begun()) {
    run.services.tokens.Learn(prepared.prompt->request.model(), prepared.prompt->raw_input_tokens,
                              usage.input_tokens());
  }
  if (!prepared.auto_bound || !usage.has_output_tokens()) return;
  const v1::Submitted& submitted = run.turn->submitted();
  run.services.outputs.Learn(submitted.tenant(), submitted.agent(),
                             answer.kept_tokens() + usage.output_tokens());
}

// The model's whole answer: the end of the turn, or a step that asks for tools.
Progress Finish(const Run& run, const Prepared& prepared, const BoundedAnswer& answer,
                provider::v1::GenerateFinished finished) {
  LiveTurn& turn = *run.turn;
  Bill(turn, finished);
  run.services.metrics.attempts.Increment();
  Learn(run, prepared, answer, finished.usage());
  *finished.mutable_message() = answer.Whole(std::move(*finished.mutable_message()));
  const Steps before = turn.steps();
  const AnswerRules rules{.tools_offered = prepared.prompt->request.tools_size() > 0,
                          .at_limit = prepared.at_tool_limit,
                          .max_output_bytes = run.services.config.turn().max_output_bytes()};
  if (!AsksForTools(finished, before, rules)) {
    if (finished.finish_reason() == chat::v1::TOOL_LIMIT) {
      run.services.metrics.tool_limits.Increment();
    }
    return Ends(Succeeded(turn, std::move(finished), run.now()));
  }
  chat::v1::Step step = before.Current(std::move(*finished.mutable_message()));
  step.set_model(prepared.prompt->request.model());
  *step.mutable_time() = ToProto(run.now());
  step.set_index(turn.log().Reserve());
  return {.ending = std::nullopt, .asks = std::move(step)};
}

// The answer would come after the deadline: the provider is not paid for it, and the permit goes
// back.
std::optional<Ending> EndIfDoomed(const Run& run, const Prompt& prompt,
                                  const BoundedAnswer& answer) {
  LiveTurn& turn = *run.turn;
  // What has been paid for is finished if it can be.
  if (answer.begun()) return std::nullopt;
  const absl::Duration call =
      run.services.forecast.CallTime(turn.submitted().agent(), prompt.request.model());
  if (run.now() + call <= turn.deadline()) return std::nullopt;
  run.services.metrics.doomed.Increment();
  return Doomed(turn, call, run.now());
}

// How long the turn stays in line although every lane of the pool is left alone: a job until its
// deadline, another no longer than it may wait to start.
absl::Duration PatienceOf(const Run& run, const Way& way) {
  const v1::Submitted& submitted = run.turn->submitted();
  const absl::Duration left = run.turn->deadline() - run.now();
  if (submitted.job()) return left;
  const absl::Duration waited = run.services.clock.Monotonic() - way.begun;
  const auto policy = run.services.policy.Get();
  const MaxWait allowed =
      MaxWaitOf(policy->config.queue(), submitted.spec(), submitted.turn_class());
  return std::min(left, allowed.longest - waited);
}

// The provider said "too many requests" before the caller saw anything: the lane's pause is the
// only delay, unless it is too long and another model takes the turn.
bool GoesBackInLine(const Run& run, const Way& way, const AttemptOutcome& outcome, int32_t& returns,
                    Permit& permit) {
  const GenerateFailed& failed = outcome.failed;
  const absl::Duration hint =
      failed.has_retry_after() ? FromProto(failed.retry_after()) : absl::ZeroDuration();
  run.services.metrics.rate_limited.Increment();
  permit.Refused(failed.has_retry_after() ? std::optional(hint) : std::nullopt, failed.limits());
  if (outcome.any_delta || ++returns > kMaxReturns) return false;
  return hint <= PatienceOf(run, way) || !way.chain.Takes(failed.kind());
}

// How long until the call that failed is made again on this model; nullopt: it is not.
std::optional<absl::Duration> Again(const Run& run, const Way& way, const AttemptOutcome& outcome,
                                    const AttemptHistory& history, Permit& permit) {
  if (outcome.any_delta) return std::nullopt;
  const bool other = way.chain.Takes(outcome.failed.kind());
  const int32_t max_attempts = run.services.config.turn().max_attempts();
  const auto delay =
      DelayBeforeRetry(outcome.failed, history,
                       other ? std::min(max_attempts, kAttemptsBeforeFallback) : max_attempts,
                       run.services.random.Fraction());
  if (!delay || (*delay > kLongDelay && other)) return std::nullopt;
  return permit.TakeRetry() ? delay : std::nullopt;
}

provider::v1::GenerateRequest RequestOf(const LiveTurn& turn, const Way& way, const Prompt& prompt,
                                        const BoundedAnswer& answer, const Permit& permit) {
  provider::v1::GenerateRequest request = prompt.request;
  answer.Shape(request);
  request.set_turn(turn.name());
  request.set_attempt(way.attempts + 1);
  request.set_provider(std::string(permit.lane()));
  *request.mutable_deadline() = turn.submitted().deadline();
  return request;
}

// Of the first call.
std::optional<int64_t> BoundOf(const Run& run, const Prepared& prepared) {
  const std::string& model = prepared.prompt->request.model();
  if (!prepared.auto_bound || !run.services.outputs.MayBound(model)) return std::nullopt;
  const v1::Submitted& submitted = run.turn->submitted();
  return run.services.outputs.Bound(submitted.tenant(), submitted.agent());
}

// The provider refused a call that was to continue an answer, as newer models refuse a prefill: it
// is asked in words, once, and answers of this model are not cut again.
bool AsksInWords(const Run& run, const Prompt& prompt, const GenerateFailed& failed,
                 BoundedAnswer& answer) {
  if (failed.kind() != chat::v1::INVALID_REQUEST || !answer.begun() || !answer.AskInWords()) {
    return false;
  }
  run.services.outputs.Forbid(prompt.request.model());
  Log(Severity::kWarning,
      "a model does not go on with an answer that it is given the beginning of; auto_max_tokens is "
      "off for it: say so with `refuses: [prefill]`",
      {{"model", prompt.request.model()}});
  return true;
}

// The caller has seen a part of an answer that is being continued: no other model takes over.
Tried Here(const Run& run, const BoundedAnswer& answer, Tried tried) {
  if (tried.progress || !answer.begun()) return tried;
  return GoesOn(Ends(Failed(*run.turn, tried.failed, run.now())));
}

// A permit; or how the step goes on without one.
Awaitable<std::variant<Permit, Tried>> AcquirePermit(const Run& run, const Way& way,
                                                     WaitingTurn& waiting,
                                                     const BoundedAnswer& answer) {
  LiveTurn& turn = *run.turn;
  // While another model may take over, nobody waits for the end of an outage.
  bool patient = way.chain.at_end() || answer.begun();
  while (true) {
    auto permit = co_await waiting.Acquire(answer.size(), turn.stop_token(),
                                           patient ? PatienceOf(run, way) : absl::ZeroDuration());
    if (permit.ok()) co_return *std::move(permit);
    chat::v1::ErrorKind kind = chat::v1::ERROR_KIND_UNSPECIFIED;
    if (!absl::IsUnavailable(permit.status()) ||
        !chat::v1::ErrorKind_Parse(ReasonOf(permit.status()), &kind)) {
      co_return GoesOn(Ends(Stopped(turn, /*begun=*/true, run.now())));
    }
    if (patient || way.chain.Takes(kind)) {
      co_return Fails(
          Failure(kind, absl::StrCat(way.chain.model().name(), ": ", permit.status().message())));
    }
    patient = true;
  }
}

}  // namespace

GenerateFailed Failure(chat::v1::ErrorKind kind, absl::string_view message) {
  GenerateFailed failed;
  failed.set_kind(kind);
  failed.set_message(std::string(message));
  return failed;
}

Progress Ends(Ending ending) { return {.ending = std::move(ending), .asks = std::nullopt}; }

Tried GoesOn(Progress progress) { return {.progress = std::move(progress), .failed = {}}; }

CallSize SizeOf(const Prompt& prompt) {
  return {.input_tokens = prompt.input_tokens, .output_tokens = prompt.max_output_tokens};
}

Awaitable<Tried> GenerateOnModel(const Run& run, Way& way, WaitingTurn& waiting,
                                 const Prepared& prepared) {
  const Prompt& prompt = *prepared.prompt;
  LiveTurn& turn = *run.turn;
  BoundedAnswer answer(prompt, BoundOf(run, prepared));
  AttemptHistory history;
  int32_t not_sent = 0;
  int32_t returns = 0;
  while (true) {
    auto acquired = co_await AcquirePermit(run, way, waiting, answer);
    if (auto* without = std::get_if<Tried>(&acquired)) {
      co_return Here(run, answer, std::move(*without));
    }
    Permit permit = std::get<Permit>(std::move(acquired));
    // It was there at once, for a turn that had been stopped before.
    if (turn.stop_token().stop_requested()) {
      co_return GoesOn(Ends(Stopped(turn, /*begun=*/true, run.now())));
    }
    if (auto ending = EndIfDoomed(run, prompt, answer)) co_return GoesOn(Ends(*std::move(ending)));
    PENSTOCK_FAILPOINT("dispatcher.before_started");
    TellStarted(run, prompt, prepared.recall_degraded);
    turn.SetLastLane(permit.lane());
    AttemptOutcome outcome = co_await GenerateAttempt(
        run.services, turn, RequestOf(turn, way, prompt, answer, permit), answer, permit);
    absl::Duration delay;
    switch (outcome.kind) {
      case AttemptOutcome::Kind::kFinished:
        PENSTOCK_FAILPOINT("dispatcher.after_generate");
        permit.Settle(outcome.finished.usage());
        if (answer.TakeCut(outcome.finished)) {
          run.services.metrics.continued.Increment();
          Bill(turn, outcome.finished);
          continue;
        }
        co_return GoesOn(Finish(run, prepared, answer, std::move(outcome.finished)));
      case AttemptOutcome::Kind::kStopped:
        permit.Stopped();
        BillEstimated(run, way.chain.model(), answer);
        co_return GoesOn(Ends(Stopped(turn, /*begun=*/true, run.now())));
      case AttemptOutcome::Kind::kNotTaken:
        run.services.metrics.not_taken.Increment();
        permit.NotTaken();
        continue;
      case AttemptOutcome::Kind::kNotSent:
        run.services.metrics.not_taken.Increment();
        permit.NotSent(outcome.failed.kind());
        delay = PeerBackoff(not_sent++);
        if (not_sent > 1 && way.chain.Takes(outcome.failed.kind())) {
          co_return Here(run, answer, Fails(std::move(outcome.failed)));
        }
        break;
      case AttemptOutcome::Kind::kFailed: {
        const bool rate_limited = outcome.failed.kind() == chat::v1::PROVIDER_RATE_LIMITED;
        if (rate_limited && GoesBackInLine(run, way, outcome, returns, permit)) continue;
        ++way.attempts;
        ++history.attempts;
        if (outcome.failed.kind() == chat::v1::MALFORMED_RESPONSE) ++history.malformed;
        const auto again = Again(run, way, outcome, history, permit);
        if (outcome.adapter_lost) {
          permit.Stopped();
        } else {
          permit.Failed(outcome.failed.kind(), outcome.failed.usage());
        }
        Bill(turn, outcome.failed);
        run.services.metrics.attempts.Increment();
        if (AsksInWords(run, prompt, outcome.failed, answer)) continue;
        if (outcome.any_delta) {
          co_return GoesOn(Ends(Failed(turn, outcome.failed, run.now())));
        }
        if (!again) co_return Here(run, answer, Fails(std::move(outcome.failed)));
        run.services.metrics.repeated_attempts.Increment();
        delay = *again;
      }
    }
    {
      const auto given_back = std::move(permit);
    }
    if (!co_await SleepOrStop(run.services.timers, delay, turn.stop_token())) {
      co_return GoesOn(Ends(Stopped(turn, /*begun=*/true, run.now())));
    }
  }
}

}  // namespace penstock::dispatcher
