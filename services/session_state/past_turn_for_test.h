// Turns as later ones see them, made up.
#pragma once

#include <cstdint>
#include <string>

#include "penstock/session/v1/session_state.pb.h"
#include "services/session_state/past_turn.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {

// "q5" and "a5" for 5: one token each.
inline PastTurn ShownTurn(int64_t sequence) {
  chat::v1::Turn turn;
  turn.set_state(chat::v1::Turn::SUCCEEDED);
  turn.set_sequence(sequence);
  turn.add_input()->mutable_text()->set_text(absl::StrCat("q", sequence));
  turn.add_output()->add_parts()->mutable_text()->set_text(absl::StrCat("a", sequence));
  return MakePastTurn(turn, std::string(16, 't'));
}

inline PastTurn HiddenTurn(int64_t sequence) {
  chat::v1::Turn turn;
  turn.set_state(chat::v1::Turn::RUNNING);
  turn.set_sequence(sequence);
  return MakePastTurn(turn, std::string(16, 't'));
}

// "q1 a1 q2 a2", and "+" when there was more.
inline std::string TextOf(const session::v1::Context& context) {
  std::string text;
  for (const auto& message : context.history()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", message.parts(0).text().text());
  }
  return context.truncated() ? absl::StrCat(text, "+") : text;
}

}  // namespace penstock::session_state
