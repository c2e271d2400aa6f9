#include "tests/providersim/directives.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "tests/providersim/directive_words.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::providersim {
namespace {

bool SetNumber(const Words& words, std::optional<int>& out) {
  int count = 0;
  if (words.size() != 2 || !ReadCount(words, 1, count)) return false;
  out = count;
  return true;
}

bool Finish(const Words& words, Directives& out) {
  constexpr absl::string_view kReasons[] = {"stop", "length", "content_filter", "pause_turn",
                                            "model_context_window_exceeded"};
  return ReadName(words, out.finish_reason) && std::find(std::begin(kReasons), std::end(kReasons),
                                                         out.finish_reason) != std::end(kReasons);
}

bool Reasoning(const Words& words, Directives& out) {
  out.reasoning_field = words.size() > 1 ? std::string(words[1]) : "reasoning";
  return out.reasoning_field == "reasoning" || out.reasoning_field == "reasoning_content";
}

// "tool NAME ARGUMENTS": one more call of the step that is being said.
bool Tool(const Words& words, Directives& out) {
  if (words.size() < 2) return false;
  if (out.tool_steps.empty()) out.tool_steps.emplace_back();
  absl::string_view arguments = "{}";
  if (words.size() > 2) {
    arguments = words[2];
    arguments = {arguments.data(),
                 static_cast<size_t>(words.back().data() + words.back().size() - arguments.data())};
  }
  out.tool_steps.back().push_back({std::string(words[1]), std::string(arguments)});
  return true;
}

// "then": further calls are of the next step.
bool Then(const Words& words, Directives& out) {
  if (words.size() != 1 || out.tool_steps.empty() || out.tool_steps.back().empty()) return false;
  out.tool_steps.emplace_back();
  return true;
}

bool Apply(const Words& words, Directives& out) {
  const absl::string_view verb = words.empty() ? "" : words[0];
  if (verb == "tokens") return SetNumber(words, out.tokens);
  if (verb == "events") return SetNumber(words, out.events);
  if (verb == "delay") return ReadMillis(words, 1, out.first_token);
  if (verb == "interval") return ReadMillis(words, 1, out.interval);
  if (verb == "gate") return ReadName(words, out.gate);
  if (verb == "refusal") return out.refusal = true;
  if (verb == "redacted") return out.redacted = true;
  if (verb == "finish") return Finish(words, out);
  if (verb == "reasoning") return Reasoning(words, out);
  if (verb == "cached") return ReadCount(words, 1, out.cached_tokens);
  if (verb == "tool") return Tool(words, out);
  if (verb == "then") return Then(words, out);
  if (verb == "tool-always") return out.tool_always = true;
  if (verb == "pieces") return words.size() == 2 && ReadCount(words, 1, out.pieces);
  if (verb == "key") return ReadName(words, out.key);
  return AddFault(words, out.faults);
}

}  // namespace

absl::StatusOr<Directives> ParseDirectives(absl::string_view message) {
  Directives directives;
  if (message.find("/sim") == absl::string_view::npos) {
    directives.said = std::string(absl::StripAsciiWhitespace(message));
    return directives;
  }
  for (absl::string_view line : absl::StrSplit(message, '\n')) {
    const Words words = absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty() || words[0] != "/sim") {
      absl::StrAppend(&directives.said, line, "\n");
    } else if (!Apply(Words(words.begin() + 1, words.end()), directives)) {
      return absl::InvalidArgumentError(absl::StrCat("providersim: not a directive: ", line));
    }
  }
  directives.said = std::string(absl::StripAsciiWhitespace(directives.said));
  return directives;
}

}  // namespace penstock::providersim
