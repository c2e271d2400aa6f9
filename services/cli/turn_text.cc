#include "services/cli/turn_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/base/proto_time.h"
#include "services/cli/image_file.h"
#include "services/cli/money.h"
#include "services/cli/refusal_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::cli {
namespace {

using chat::v1::Turn;

void AddTokens(const chat::v1::Usage& usage, std::vector<std::string>& facts) {
  std::vector<std::string> counts;
  if (usage.has_input_tokens()) counts.push_back(absl::StrCat(usage.input_tokens(), " tokens in"));
  if (usage.has_output_tokens()) {
    counts.push_back(
        absl::StrCat(usage.output_tokens(), usage.has_input_tokens() ? " out" : " tokens out"));
  }
  if (counts.empty()) return;
  facts.push_back(absl::StrCat(absl::StrJoin(counts, ", "), usage.estimated() ? " (about)" : ""));
}

void AddSeconds(const Turn& turn, std::vector<std::string>& facts) {
  if (!turn.has_create_time() || !turn.has_end_time()) return;
  const absl::Duration taken = FromProto(turn.end_time()) - FromProto(turn.create_time());
  facts.push_back(DurationText(absl::ToDoubleSeconds(taken)));
}

void AddMemories(const Turn& turn, std::vector<std::string>& facts) {
  const int count = turn.recalled_memories_size();
  if (count > 0) facts.push_back(absl::StrCat(count, count == 1 ? " memory" : " memories"));
  if (turn.recall_degraded()) facts.push_back("memories were out of reach");
}

// The first byte of a character, in UTF-8.
bool BeginsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

}  // namespace

std::string AnswerOf(const chat::v1::Message& message) {
  std::string text;
  for (const auto& part : message.parts()) {
    absl::StrAppend(&text, part.text().text(), part.refusal().text());
  }
  return text;
}

std::string AnswerOf(const Turn& turn) {
  std::vector<std::string> steps;
  for (const auto& message : turn.output()) {
    // Tools answer the model, not the user.
    if (std::string text = AnswerOf(message); !text.empty()) steps.push_back(std::move(text));
  }
  return absl::StrJoin(steps, "\n");
}

std::string CallText(const chat::v1::ToolCall& call) {
  std::string text = absl::StrCat(call.name(), " ", call.arguments());
  std::replace_if(
      text.begin(), text.end(),
      [](char byte) { return absl::ascii_iscntrl(static_cast<unsigned char>(byte)); }, '?');
  return text;
}

std::string HowToAnswer(absl::string_view turn,
                        const google::protobuf::RepeatedPtrField<chat::v1::ToolCall>& calls) {
  std::string text = absl::StrCat("what to do: give the results with `penstock turn results ",
                                  turn.empty() ? "NAME" : turn);
  for (const auto& call : calls) absl::StrAppend(&text, " ", call.id(), "=TEXT");
  return text + "`\n";
}

std::string InputOf(const Turn& turn) {
  std::vector<std::string> parts;
  for (const auto& part : turn.input()) {
    if (part.has_text()) parts.push_back(part.text().text());
    if (part.has_image()) parts.push_back(ImageText(part.image()));
  }
  return absl::StrJoin(parts, "\n");
}

std::string SummaryOf(const Turn& turn) {
  std::vector<std::string> facts;
  if (!turn.model().empty()) facts.push_back(turn.model());
  AddTokens(turn.usage(), facts);
  if (turn.has_cost_nano_usd()) facts.push_back(FormatUsd(turn.cost_nano_usd()));
  AddSeconds(turn, facts);
  AddMemories(turn, facts);
  if (turn.run() > 1) facts.push_back(absl::StrCat("started ", turn.run(), " times"));
  return absl::StrJoin(facts, " · ");
}

std::string OneLine(absl::string_view text, size_t width) {
  std::string line;
  size_t characters = 0;
  for (const char byte : absl::StripAsciiWhitespace(text)) {
    const bool space = absl::ascii_isspace(static_cast<unsigned char>(byte));
    if (space && absl::string_view(line).substr(line.empty() ? 0 : line.size() - 1) == " ")
      continue;
    if (BeginsCharacter(byte) && ++characters > width) return line + "…";
    line.push_back(space ? ' ' : byte);
  }
  return line;
}

std::string WaitText(const chat::v1::Queue& queue) {
  std::string text = absl::StrCat("waiting: place ", queue.position());
  if (!queue.has_eta_p50()) return text;
  const double seconds = absl::ToDoubleSeconds(FromProto(queue.eta_p50()));
  absl::StrAppend(&text, seconds < 0.95 ? ", under 1 s" : ", about " + DurationText(seconds));
  return text;
}

}  // namespace penstock::cli
