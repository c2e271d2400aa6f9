// The model: deterministic, and honest about its context. It knows what stands in the request and
// nothing else.
#pragma once

#include <string>

#include "tests/providersim/prompt.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Answers `said`, the newest user message without its notes and directives.
//
// A question (it holds '?') is answered from the context: every message before the newest user
// message, and `notes`. Of system and developer messages only those that speak of notes or memories
// in their first 200 bytes are context; the others are instructions. The sentence that shares most
// significant words with the question is repeated: "You told me: <sentence>"; of equals the one in
// the later message (notes stand last), in it the earlier one. None shares a word: "I do not
// know.". Anything else is answered "Noted." and its first 8 words.
std::string AnswerFromContext(const Prompt& request, absl::string_view notes,
                              absl::string_view said);

}  // namespace penstock::providersim
