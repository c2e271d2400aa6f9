#include "services/memory_recall/turn_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

void Append(const google::protobuf::RepeatedPtrField<chat::v1::Part>& parts, std::string& text) {
  for (const auto& part : parts) {
    if (part.has_text()) absl::StrAppend(&text, text.empty() ? "" : "\n\n", part.text().text());
  }
}

}  // namespace

std::string TextOf(const google::protobuf::RepeatedPtrField<chat::v1::Part>& parts) {
  std::string text;
  Append(parts, text);
  return text;
}

std::string AnswerOf(const google::protobuf::RepeatedPtrField<chat::v1::Message>& messages) {
  std::string text;
  for (const auto& message : messages) {
    if (message.role() == chat::v1::ASSISTANT) Append(message.parts(), text);
  }
  return text;
}

}  // namespace penstock::memory_recall
