#include "services/provider_adapter/answer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Delta;
using chat::v1::Part;

}  // namespace

Answer::Answer(std::string provider, DeltaCoalescer::Options coalescing, size_t max_bytes,
               OfferedTools tools)
    : provider_(std::move(provider)),
      coalescer_(coalescing),
      room_bytes_(max_bytes),
      tools_(std::move(tools)) {
  message_.set_role(chat::v1::ASSISTANT);
}

void Answer::OnText(Delta::Kind kind, absl::string_view text) {
  if (ended_) return;
  if (kind != kind_) {
    FlushCharacter();
    kind_ = kind;
  }
  Append(kind, utf8_.Take(text));
}

void Answer::Append(Delta::Kind kind, absl::string_view text) {
  const absl::string_view fits = TakeRoom(text);
  if (!fits.empty()) {
    PartText(kind).append(fits.data(), fits.size());
    coalescer_.Add(message_.parts_size() - 1, kind, fits);
  }
  if (fits.size() < text.size()) EndAtBound();
}

absl::string_view Answer::TakeRoom(absl::string_view text) {
  const absl::string_view fits = text.substr(0, WholeCharacters(text, room_bytes_));
  room_bytes_ -= fits.size();
  return fits;
}

bool Answer::TakeRoomFor(const chat::v1::Opaque& opaque) {
  held_bytes_ = 0;
  const size_t bytes = opaque.protocol().size() + opaque.data().size();
  if (bytes > room_bytes_) {
    EndAtBound();
    return false;
  }
  room_bytes_ -= bytes;
  return true;
}

void Answer::EndAtBound() {
  finish_ = chat::v1::LENGTH;
  End();
}

void Answer::OnReasoningState(chat::v1::Opaque state) {
  if (ended_) return;
  FlushCharacter();
  if (ended_ || !TakeRoomFor(state)) return;
  PartText(Delta::REASONING);
  Part& part = *message_.mutable_parts(message_.parts_size() - 1);
  *part.mutable_reasoning()->mutable_state() = std::move(state);
}

void Answer::OnOpaque(chat::v1::Opaque opaque) {
  if (ended_) return;
  FlushCharacter();
  if (ended_ || !TakeRoomFor(opaque)) return;
  *message_.add_parts()->mutable_opaque() = std::move(opaque);
}

void Answer::OnHeld(size_t bytes) {
  if (ended_) return;
  held_bytes_ += bytes;
  if (held_bytes_ > room_bytes_) EndAtBound();
}

void Answer::OnToolCall(absl::string_view id, absl::string_view name) {
  if (ended_) return;
  if (!tools_.Has(name)) {
    return OnUnusable(chat::v1::MALFORMED_RESPONSE, tools_.empty()
                                                        ? "a tool was called, but none was offered"
                                                        : "a tool was called that was not offered");
  }
  FlushCharacter();
  chat::v1::ToolCall call;
  call.set_id(tools_.NewCallId(id));
  call.set_name(std::string(name));
  const size_t bytes = call.id().size() + call.name().size();
  if (bytes > room_bytes_) return EndAtBound();
  room_bytes_ -= bytes;
  calls_.push_back({.part = message_.parts_size(), .utf8 = {}});
  *message_.add_parts()->mutable_tool_call() = std::move(call);
}

void Answer::OnToolArguments(size_t call, absl::string_view json) {
  if (ended_) return;
  AppendArguments(calls_.at(call).part, calls_[call].utf8.Take(json));
}

void Answer::AppendArguments(int part, absl::string_view json) {
  if (ended_) return;
  const absl::string_view fits = TakeRoom(json);
  if (!fits.empty()) {
    message_.mutable_parts(part)->mutable_tool_call()->mutable_arguments()->append(fits.data(),
                                                                                   fits.size());
    coalescer_.Add(part, Delta::TOOL_ARGUMENTS, fits);
    coalescer_.Flush();
  }
  if (fits.size() < json.size()) EndAtBound();
}

// Some servers send no arguments at all for a tool that takes none.
void Answer::FinishCalls() {
  for (OpenCall& call : calls_) {
    AppendArguments(call.part, call.utf8.End());
    if (ended_) return;
    if (message_.parts(call.part).tool_call().arguments().empty()) AppendArguments(call.part, "{}");
  }
}

// What was cut short must not be called, nor be kept as history.
void Answer::DropCalls() {
  auto& parts = *message_.mutable_parts();
  parts.erase(std::remove_if(parts.begin(), parts.end(),
                             [](const Part& part) { return part.has_tool_call(); }),
              parts.end());
}

std::string& Answer::PartText(Delta::Kind kind) {
  const Part::KindCase wanted = kind == Delta::REASONING ? Part::kReasoning
                                : kind == Delta::REFUSAL ? Part::kRefusal
                                                         : Part::kText;
  const int count = message_.parts_size();
  const bool goes_on = count > 0 && message_.parts(count - 1).kind_case() == wanted &&
                       !message_.parts(count - 1).reasoning().has_state();
  Part& part = goes_on ? *message_.mutable_parts(count - 1) : *message_.add_parts();
  switch (wanted) {
    case Part::kReasoning:
      return *part.mutable_reasoning()->mutable_text();
    case Part::kRefusal:
      return *part.mutable_refusal()->mutable_text();
    default:
      return *part.mutable_text()->mutable_text();
  }
}

void Answer::FlushCharacter() {
  const absl::string_view text = utf8_.End();
  if (!text.empty()) Append(kind_, text);
}

void Answer::OnFinish(chat::v1::FinishReason reason) {
  if (!ended_) finish_ = reason;
}

void Answer::OnEnd() {
  if (ended_) return;
  if (finish_ == chat::v1::FINISH_REASON_UNSPECIFIED) {
    if (!begun()) {
      return OnUnusable(chat::v1::MALFORMED_RESPONSE, "the answer ended without any text or call");
    }
    finish_ = chat::v1::STOP;
  }
  if (finish_ == chat::v1::TOOL_CALLS && calls_.empty()) {
    return OnUnusable(chat::v1::MALFORMED_RESPONSE,
                      "the answer ended for tool calls, but has none");
  }
  if (finish_ == chat::v1::STOP && !calls_.empty()) finish_ = chat::v1::TOOL_CALLS;
  if (finish_ == chat::v1::TOOL_CALLS) FinishCalls();
  if (ended_) return;
  complete_ = true;
  End();
}

void Answer::OnError(const ProviderError& error) { Fail(FailureInStream(provider_, error)); }

void Answer::OnUnusable(chat::v1::ErrorKind kind, absl::string_view what) {
  Fail(FailureOf(provider_, kind, what));
}

void Answer::Fail(Failure failure) {
  if (ended_) return;
  failure_ = std::move(failure);
  End();
}

void Answer::Close(Failure failure) {
  if (ended_) return;
  if (finish_ == chat::v1::FINISH_REASON_UNSPECIFIED) return Fail(std::move(failure));
  OnEnd();
}

void Answer::End() {
  if (std::exchange(ended_, true)) return;
  FlushCharacter();
  if (finish_ != chat::v1::TOOL_CALLS) DropCalls();
  coalescer_.End();
}

std::optional<chat::v1::ErrorKind> Answer::failure_kind() const {
  return failure_ ? std::optional(failure_->kind()) : std::nullopt;
}

provider::v1::GenerateEvent Answer::TakeEnd(const std::optional<pricing::Rates>& rates,
                                            absl::string_view request_id) {
  provider::v1::GenerateEvent event;
  const std::optional<int64_t> cost = pricing::CostNanoUsd(rates, usage_);
  if (failure_) {
    *event.mutable_failed() = *std::move(failure_);
    *event.mutable_failed()->mutable_usage() = usage_;
    if (event.failed().provider_request_id().empty()) {
      event.mutable_failed()->set_provider_request_id(std::string(request_id));
    }
    if (cost) event.mutable_failed()->set_cost_nano_usd(*cost);
    return event;
  }
  auto& finished = *event.mutable_finished();
  *finished.mutable_message() = std::move(message_);
  finished.set_finish_reason(finish_);
  *finished.mutable_usage() = usage_;
  if (cost) finished.set_cost_nano_usd(*cost);
  return event;
}

}  // namespace penstock::provider_adapter
