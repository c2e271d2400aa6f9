#include "services/cli/turn_spec.h"

#include <iostream>
#include <iterator>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "services/cli/image_file.h"
#include "services/cli/utf8.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::cli {
namespace {

std::string Complete(absl::string_view collection, absl::string_view given) {
  return absl::StartsWith(given, collection) ? std::string(given) : absl::StrCat(collection, given);
}

absl::StatusOr<chat::v1::Urgency> UrgencyOf(const Arguments& arguments) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string urgency,
                            arguments.Choice("--urgency", {"normal", "action", "batch"}));
  if (urgency == "action") return chat::v1::ACTION;
  return urgency == "batch" ? chat::v1::BATCH : chat::v1::NORMAL;
}

absl::StatusOr<chat::v1::OnConflict> OnConflictOf(const Arguments& arguments) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string given,
                            arguments.Choice("--on-conflict", {"enqueue", "reject", "interrupt"}));
  if (given == "reject") return chat::v1::REJECT;
  return given == "interrupt" ? chat::v1::INTERRUPT : chat::v1::ENQUEUE;
}

}  // namespace

std::vector<Flag> TurnSpecFlags() {
  return {{"--image", "FILE", "show this PNG, JPEG, GIF or WebP file along with the text", true},
          {"--agent", "A", "agent to answer; default: the session's"},
          {"--model", "M", "\"provider/model\" instead of the agent's, if it allows that"},
          {"--instructions", "TEXT", "instead of the agent's, if it allows that"},
          {"--urgency", "U", "normal (default), action (needs scope turns.action) or batch"},
          {"--on-conflict", "C", "session busy: enqueue (default), reject or interrupt"},
          {"--max-wait", "D", "be refused rather than start later than in 30s, 5m"},
          {"--no-recall", "", "without memories of other sessions"},
          {"--no-remember", "", "make no memories of this"},
          LabelFlag()};
}

Flag LabelFlag() { return {"--label", "KEY=VALUE", "comes back in what is made", true}; }

absl::StatusOr<chat::v1::TurnSpec> TurnSpecOf(const Arguments& arguments) {
  chat::v1::TurnSpec spec;
  for (const std::string& path : arguments.Values("--image")) {
    PENSTOCK_ASSIGN_OR_RETURN(*spec.add_input()->mutable_image(), ReadImage(path));
  }
  if (arguments.Has("--agent")) spec.set_agent(AgentNameOf(arguments.Value("--agent")));
  if (arguments.Has("--model")) spec.mutable_overrides()->set_model(arguments.Value("--model"));
  if (arguments.Has("--instructions")) {
    spec.mutable_overrides()->set_instructions(arguments.Value("--instructions"));
  }
  if (arguments.Has("--no-recall")) spec.mutable_memory()->set_recall(false);
  if (arguments.Has("--no-remember")) spec.mutable_memory()->set_remember(false);
  PENSTOCK_ASSIGN_OR_RETURN(const chat::v1::Urgency urgency, UrgencyOf(arguments));
  spec.set_urgency(urgency);
  PENSTOCK_ASSIGN_OR_RETURN(const chat::v1::OnConflict on_conflict, OnConflictOf(arguments));
  if (arguments.Has("--on-conflict")) spec.set_on_conflict(on_conflict);
  if (arguments.Has("--max-wait")) {
    PENSTOCK_ASSIGN_OR_RETURN(const absl::Duration max_wait,
                              arguments.Duration("--max-wait", absl::ZeroDuration()));
    *spec.mutable_max_wait() = ToProto(max_wait);
  }
  PENSTOCK_ASSIGN_OR_RETURN(const auto labels, LabelsOf(arguments));
  spec.mutable_labels()->insert(labels.begin(), labels.end());
  return spec;
}

absl::Status SetText(absl::string_view text, chat::v1::TurnSpec& spec) {
  if (text.empty()) return UsageError("the text is empty");
  if (!IsUtf8(text)) return UsageError("the text is not UTF-8");
  google::protobuf::RepeatedPtrField<chat::v1::Part> input;
  input.Add()->mutable_text()->set_text(std::string(text));
  for (chat::v1::Part& part : *spec.mutable_input()) {
    if (part.has_image()) *input.Add() = std::move(part);
  }
  *spec.mutable_input() = std::move(input);
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> LabelsOf(const Arguments& arguments) {
  std::map<std::string, std::string> labels;
  for (const std::string& label : arguments.Values("--label")) {
    std::pair<std::string, std::string> pair = absl::StrSplit(label, absl::MaxSplits('=', 1));
    if (pair.first.empty() || !absl::StrContains(label, "=")) {
      return UsageError(absl::StrCat("--label: found '", label, "', expected KEY=VALUE"));
    }
    labels.insert(std::move(pair));
  }
  return labels;
}

std::string SessionNameOf(absl::string_view given) { return Complete("sessions/", given); }

std::string TurnNameOf(absl::string_view given) {
  const std::pair<absl::string_view, absl::string_view> ids =
      absl::StrSplit(given, absl::MaxSplits('/', 1));
  if (absl::StartsWith(given, "sessions/") || ids.second.empty()) return std::string(given);
  return absl::StrCat("sessions/", ids.first, "/turns/", ids.second);
}

std::string MemoryNameOf(absl::string_view given) { return Complete("memories/", given); }

std::string AgentNameOf(absl::string_view given) { return Complete("agents/", given); }

absl::StatusOr<std::string> TextOf(const std::string& word) {
  if (word != "-") return word;
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  if (std::cin.bad()) return absl::DataLossError("cannot read standard input");
  if (absl::EndsWith(text, "\n")) text.pop_back();
  return text;
}

}  // namespace penstock::cli
