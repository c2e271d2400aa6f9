#include "tests/providersim/tool_answer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::providersim {
namespace {

// Messages after the newest user message.
std::vector<const PromptMessage*> SinceTheUserSpoke(const Prompt& request) {
  std::vector<const PromptMessage*> since;
  for (const PromptMessage& message : request.messages) {
    if (message.role == "user") {
      since.clear();
    } else {
      since.push_back(&message);
    }
  }
  return since;
}

absl::string_view WithoutPoint(absl::string_view word) {
  while (!word.empty() && absl::StrContains(".,;:!?`\"'", word.substr(word.size() - 1))) {
    word.remove_suffix(1);
  }
  return absl::StripPrefix(absl::StripPrefix(word, "`"), "\"");
}

std::string ObjectAtTheEnd(absl::string_view said) {
  const size_t begin = said.find('{');
  const size_t end = said.rfind('}');
  if (begin == absl::string_view::npos || end == absl::string_view::npos || end < begin) {
    return "{}";
  }
  return std::string(said.substr(begin, end + 1 - begin));
}

// "Use the tool clock.", "call weather with {"city": "Bern"}".
std::vector<SimulatedCall> AskedFor(absl::string_view said, const OfferedTools& tools) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(said, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string verb = absl::AsciiStrToLower(words[i]);
    if (verb != "use" && verb != "call") continue;
    size_t object = i + 1;
    while (object < words.size() && (words[object] == "the" || words[object] == "tool")) ++object;
    if (object == words.size()) break;
    const absl::string_view name = WithoutPoint(words[object]);
    if (std::find(tools.names.begin(), tools.names.end(), name) == tools.names.end()) continue;
    return {{std::string(name), ObjectAtTheEnd(said)}};
  }
  return {};
}

std::vector<SimulatedCall> Wanted(const Prompt& request, const Directives& directives,
                                  size_t step) {
  const auto& steps = directives.tool_steps;
  if (step < steps.size()) return steps[step];
  if (!steps.empty() && directives.tool_always) return steps.back();
  if (!steps.empty() || step > 0) return {};
  return AskedFor(directives.said, request.tools);
}

}  // namespace

std::vector<SimulatedCall> CallsOf(const Prompt& request, const Directives& directives) {
  const OfferedTools& tools = request.tools;
  if (tools.names.empty() || tools.choice == "none") return {};
  const auto since = SinceTheUserSpoke(request);
  const auto step = static_cast<size_t>(std::count_if(
      since.begin(), since.end(), [](const auto* message) { return !message->calls.empty(); }));
  std::vector<SimulatedCall> calls = Wanted(request, directives, step);
  const bool demanded = !tools.tool.empty() || tools.choice == "required";
  if (calls.empty() && demanded) {
    calls.push_back({std::string(tools.tool.empty() ? tools.names.front() : tools.tool), "{}"});
  }
  if (!tools.parallel && calls.size() > 1) calls.resize(1);
  return calls;
}

std::string AnswerFromResults(const Prompt& request) {
  std::string answer;
  std::vector<CalledTool> calls;
  for (const PromptMessage* message : SinceTheUserSpoke(request)) {
    calls.insert(calls.end(), message->calls.begin(), message->calls.end());
    if (message->role != "tool") continue;
    // The history was checked: there is one.
    const auto call = std::find_if(calls.rbegin(), calls.rend(), [&](const CalledTool& made) {
      return made.id == message->tool_call_id;
    });
    const std::string content = absl::StrJoin(message->parts, "\n");
    absl::StrAppend(&answer, answer.empty() ? "" : " ", call->name,
                    " said: ", absl::StripSuffix(absl::StripAsciiWhitespace(content), "."), ".");
  }
  return answer;
}

}  // namespace penstock::providersim
