#include "services/provider_adapter/answer.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Delta;

}  // namespace

Answer::Answer(std::string provider, DeltaCoalescer::Options coalescing, size_t max_bytes)
    : provider_(std::move(provider)), coalescer_(coalescing), room_bytes_(max_bytes) {
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
  const bool over = text.size() > room_bytes_;
  if (over) text = text.substr(0, WholeCharacters(text, room_bytes_));
  room_bytes_ -= text.size();
  if (!text.empty()) {
    PartText(kind).append(text.data(), text.size());
    coalescer_.Add(message_.parts_size() - 1, kind, text);
  }
  if (!over) return;
  finish_ = chat::v1::LENGTH;
  End();
}

std::string& Answer::PartText(Delta::Kind kind) {
  using chat::v1::Part;
  const Part::KindCase wanted = kind == Delta::REASONING ? Part::kReasoning
                                : kind == Delta::REFUSAL ? Part::kRefusal
                                                         : Part::kText;
  const int count = message_.parts_size();
  Part& part = count > 0 && message_.parts(count - 1).kind_case() == wanted
                   ? *message_.mutable_parts(count - 1)
                   : *message_.add_parts();
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
    if (!has_text()) {
      return OnUnusable(chat::v1::MALFORMED_RESPONSE, "the answer ended without any text");
    }
    finish_ = chat::v1::STOP;
  }
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
  coalescer_.End();
}

std::optional<chat::v1::ErrorKind> Answer::failure_kind() const {
  return failure_ ? std::optional(failure_->kind()) : std::nullopt;
}

provider::v1::GenerateEvent Answer::TakeEnd(const std::optional<Rates>& rates,
                                            absl::string_view request_id) {
  provider::v1::GenerateEvent event;
  const std::optional<int64_t> cost = CostNanoUsd(rates, usage_);
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
