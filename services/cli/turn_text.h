// Turns as text for people.
#pragma once

#include <string>

#include "penstock/chat/v1/message.pb.h"
#include "penstock/chat/v1/turn.pb.h"

#include "absl/strings/string_view.h"

namespace penstock::cli {

// What the assistant said in a message: text and refusals, without reasoning.
std::string AnswerOf(const chat::v1::Message& message);
// The same of a whole turn: its steps, one below the other.
std::string AnswerOf(const chat::v1::Turn& turn);
// `clock {"zone":"CET"}`, without characters that move the cursor.
std::string CallText(const chat::v1::ToolCall& call);
// "what to do: ..." for a turn that waits for the results of these calls.
std::string HowToAnswer(absl::string_view turn,
                        const google::protobuf::RepeatedPtrField<chat::v1::ToolCall>& calls);
// What the user said; images by their type and size.
std::string InputOf(const chat::v1::Turn& turn);

// "sim/echo · 12 tokens in, 30 out · $0.0000215 · 1.2 s · 2 memories"; what is not known is left
// out, and what was estimated says so.
std::string SummaryOf(const chat::v1::Turn& turn);

// One line of at most `width` characters, with white space folded; longer ones end with "…".
std::string OneLine(absl::string_view text, size_t width);

// "waiting: place 3, about 2 s"
std::string WaitText(const chat::v1::Queue& queue);

}  // namespace penstock::cli
