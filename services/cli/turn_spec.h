// What a turn is asked for, from the flags of `chat` and `turn`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "penstock/chat/v1/turn.pb.h"
#include "services/cli/command_line.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::cli {

// --image, --agent, --model, --instructions, --urgency, --no-recall, --no-remember, --label.
std::vector<Flag> TurnSpecFlags();

// Everything but the text; the images of --image are its input.
absl::StatusOr<chat::v1::TurnSpec> TurnSpecOf(const Arguments& arguments);

// Puts a text in place of the one there was, before the images. A usage error when it is empty or
// no UTF-8.
absl::Status SetText(absl::string_view text, chat::v1::TurnSpec& spec);

// "KEY=VALUE" of each --label.
absl::StatusOr<std::map<std::string, std::string>> LabelsOf(const Arguments& arguments);
Flag LabelFlag();

// Names as they are, or completed: "s1" to "sessions/s1", "s1/t1" to "sessions/s1/turns/t1".
std::string SessionNameOf(absl::string_view given);
std::string TurnNameOf(absl::string_view given);
std::string MemoryNameOf(absl::string_view given);
std::string AgentNameOf(absl::string_view given);

// `word`, or all of standard input when it is "-".
absl::StatusOr<std::string> TextOf(const std::string& word);

}  // namespace penstock::cli
