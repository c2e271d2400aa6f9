// How a request steers its own answer: lines "/sim ..." in its newest user message.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/providersim/faults.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::providersim {

// A call that the model makes.
struct SimulatedCall {
  std::string name;
  // As the model writes them; a directive may give what is no JSON.
  std::string arguments;
};

struct Directives {
  std::optional<int> tokens;
  std::optional<int> events;
  std::optional<std::chrono::milliseconds> first_token;
  std::optional<std::chrono::milliseconds> interval;
  std::string gate;
  bool refusal = false;
  // In OpenAI's words, or those of Anthropic that it has no word for.
  std::string finish_reason;
  // Name of the field that carries what the model thinks; empty: it does not think aloud.
  std::string reasoning_field;
  // A block of thoughts that the client cannot read.
  bool redacted = false;
  int cached_tokens = 0;
  // What calls are counted by; empty: their messages.
  std::string key;
  Faults faults;
  // What each step calls, beside each other; and whether the last one is said again for ever.
  std::vector<std::vector<SimulatedCall>> tool_steps;
  bool tool_always = false;
  // Events that carry the arguments of a call.
  int pieces = 3;
  // The message without its directives.
  std::string said;
};

// kInvalidArgument with the line when a directive is unknown or malformed: a misspelt test must
// not pass.
absl::StatusOr<Directives> ParseDirectives(absl::string_view message);

}  // namespace penstock::providersim
