// How a request steers its own answer: lines "/sim ..." in its newest user message.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::providersim {

// What goes wrong with an answer, and when.
enum class Fault { kNone, kInBandError, kCut, kTruncate, kHang };

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
  // 0: none. retry_after and code go with it.
  int status = 0;
  std::optional<std::chrono::milliseconds> retry_after;
  std::string code;
  Fault fault = Fault::kNone;
  // Tokens sent before the fault.
  int fault_after = 0;
  bool hang_before = false;
  bool malformed = false;
  bool refusal = false;
  std::string finish_reason;
  // Name of the field that carries what the model thinks; empty: it does not think aloud.
  std::string reasoning_field;
  int cached_tokens = 0;
  // The first `fail_first` calls with the same key are answered with fail_status.
  int fail_first = 0;
  int fail_status = 500;
  std::string key;
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
