// What the model calls, and what it says of the results.
#pragma once

#include <string>
#include <vector>

#include "tests/providersim/directives.h"
#include "tests/providersim/prompt.h"

namespace penstock::providersim {

// The calls of this answer; none: it speaks. A step is an assistant's message with calls since the
// newest user message.
//
// Nothing is called without tools or with tool_choice none. Directives say what each step calls.
// Without them the first step calls what the message asks for: "use NAME" or "call NAME", with the
// tool's name, and as arguments the JSON object that the message ends with, else {}. When a call is
// demanded (tool_choice), every step calls: the tool demanded, else the first one offered.
std::vector<SimulatedCall> CallsOf(const Prompt& request, const Directives& directives);

// "clock said: 12:00. scales said: 7 kg." of all results since the newest user message; empty
// without one.
std::string AnswerFromResults(const Prompt& request);

}  // namespace penstock::providersim
