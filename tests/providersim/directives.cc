#include "tests/providersim/directives.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::providersim {
namespace {

using Words = std::vector<absl::string_view>;

bool Count(const Words& words, size_t at, int& out) {
  return at < words.size() && absl::SimpleAtoi(words[at], &out) && out >= 0;
}

bool Millis(const Words& words, size_t at, std::optional<std::chrono::milliseconds>& out) {
  int count = 0;
  if (!Count(words, at, count)) return false;
  out = std::chrono::milliseconds(count);
  return true;
}

bool Name(const Words& words, std::string& out) {
  if (words.size() != 2) return false;
  out = std::string(words[1]);
  return true;
}

// "status 429 1500", "status 429 insufficient_quota", "status 500".
bool Status(const Words& words, Directives& out) {
  if (!Count(words, 1, out.status) || out.status < 400 || out.status > 599) return false;
  for (size_t i = 2; i < words.size(); ++i) {
    if (!Millis(words, i, out.retry_after)) out.code = std::string(words[i]);
  }
  return true;
}

bool FaultAfter(const Words& words, Fault fault, Directives& out) {
  out.fault = fault;
  return words.size() == 2 && Count(words, 1, out.fault_after);
}

// "fail-first 2 status 503".
bool FailFirst(const Words& words, Directives& out) {
  return words.size() == 4 && words[2] == "status" && Count(words, 1, out.fail_first) &&
         Count(words, 3, out.fail_status) && out.fail_status >= 400 && out.fail_status <= 599;
}

bool SetNumber(const Words& words, std::optional<int>& out) {
  int count = 0;
  if (words.size() != 2 || !Count(words, 1, count)) return false;
  out = count;
  return true;
}

bool Finish(const Words& words, Directives& out) {
  return Name(words, out.finish_reason) &&
         (out.finish_reason == "length" || out.finish_reason == "content_filter" ||
          out.finish_reason == "stop");
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
  if (verb == "delay") return Millis(words, 1, out.first_token);
  if (verb == "interval") return Millis(words, 1, out.interval);
  if (verb == "gate") return Name(words, out.gate);
  if (verb == "status") return Status(words, out);
  if (verb == "error-after") return FaultAfter(words, Fault::kInBandError, out);
  if (verb == "cut-after") return FaultAfter(words, Fault::kCut, out);
  if (verb == "truncate-after") return FaultAfter(words, Fault::kTruncate, out);
  if (verb == "hang-after") return FaultAfter(words, Fault::kHang, out);
  if (verb == "hang-before") return out.hang_before = true;
  if (verb == "malformed") return out.malformed = true;
  if (verb == "refusal") return out.refusal = true;
  if (verb == "finish") return Finish(words, out);
  if (verb == "reasoning") return Reasoning(words, out);
  if (verb == "cached") return Count(words, 1, out.cached_tokens);
  if (verb == "tool") return Tool(words, out);
  if (verb == "then") return Then(words, out);
  if (verb == "tool-always") return out.tool_always = true;
  if (verb == "pieces") return words.size() == 2 && Count(words, 1, out.pieces) && out.pieces > 0;
  if (verb == "key") return Name(words, out.key);
  if (verb == "fail-first") return FailFirst(words, out);
  return false;
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
