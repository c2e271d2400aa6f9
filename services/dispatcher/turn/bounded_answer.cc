#include "services/dispatcher/turn/bounded_answer.h"

#include <algorithm>
#include <utility>

#include "libs/tokens/raw_tokens.h"
#include "services/dispatcher/turn/steps.h"

namespace penstock::dispatcher {
namespace {

// As providers advise for models that take no prefill.
constexpr char kGoOn[] =
    "Your previous response was interrupted; it ended with the text above. Continue exactly from "
    "where you left off, without repeating any of it and without a word about the interruption.";

bool EndsWithText(const chat::v1::Message& message) {
  return !message.parts().empty() && message.parts().rbegin()->has_text();
}

}  // namespace

BoundedAnswer::BoundedAnswer(const Prompt& prompt, std::optional<int64_t> bound)
    : prompt_(prompt), bound_(bound) {
  if (bound_ && *bound_ >= prompt.max_output_tokens) bound_.reset();
}

int64_t BoundedAnswer::kept_bytes() const { return BytesOf(kept_); }

CallSize BoundedAnswer::size() const {
  const int64_t input = begun() ? RawTokens(static_cast<size_t>(kept_bytes())) : 0;
  return {.input_tokens = prompt_.input_tokens + input,
          .output_tokens = bound_.value_or(prompt_.max_output_tokens - kept_tokens_)};
}

void BoundedAnswer::Shape(provider::v1::GenerateRequest& request) const {
  request.mutable_generation()->set_max_output_tokens(static_cast<int32_t>(size().output_tokens));
  chat::v1::Message said;
  said.set_role(chat::v1::ASSISTANT);
  for (const chat::v1::Part& part : kept_.parts()) {
    if (part.has_text()) *said.add_parts() = part;
  }
  // Cut while it was thinking, it thinks anew.
  if (said.parts_size() == 0) return;
  *request.add_messages() = std::move(said);
  if (!in_words_) return;
  chat::v1::Message& asks = *request.add_messages();
  asks.set_role(chat::v1::USER);
  asks.add_parts()->mutable_text()->set_text(kGoOn);
}

bool BoundedAnswer::TakeCut(provider::v1::GenerateFinished& finished) {
  const bool at_bound = bound_ && finished.finish_reason() == chat::v1::LENGTH &&
                        finished.usage().has_output_tokens() &&
                        finished.usage().output_tokens() >= *bound_;
  const int64_t left = prompt_.max_output_tokens - finished.usage().output_tokens();
  if (!at_bound || left < 1) return false;
  begun_ = true;
  kept_tokens_ = finished.usage().output_tokens();
  kept_ = std::move(*finished.mutable_message());
  bound_.reset();
  return true;
}

int32_t BoundedAnswer::FirstPart(chat::v1::Delta::Kind kind) const {
  const bool goes_on = kind == chat::v1::Delta::TEXT && EndsWithText(kept_);
  return kept_.parts_size() - (goes_on ? 1 : 0);
}

chat::v1::Message BoundedAnswer::Whole(chat::v1::Message rest) const {
  if (!begun()) return rest;
  chat::v1::Message whole = kept_;
  int next = 0;
  if (EndsWithText(kept_) && rest.parts_size() > 0 && rest.parts(0).has_text()) {
    whole.mutable_parts(whole.parts_size() - 1)
        ->mutable_text()
        ->mutable_text()
        ->append(rest.parts(next++).text().text());
  }
  for (; next < rest.parts_size(); ++next) {
    *whole.add_parts() = std::move(*rest.mutable_parts(next));
  }
  return whole;
}

}  // namespace penstock::dispatcher
