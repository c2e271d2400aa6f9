// What was said in a turn, as plain text.
#pragma once

#include <string>

#include "penstock/chat/v1/message.pb.h"

namespace penstock::memory_recall {

// The text parts, joined by empty lines. A single one comes out verbatim.
std::string TextOf(const google::protobuf::RepeatedPtrField<chat::v1::Part>& parts);

// The text parts of the assistant's messages; no reasoning, no refusals.
std::string AnswerOf(const google::protobuf::RepeatedPtrField<chat::v1::Message>& messages);

}  // namespace penstock::memory_recall
