#include "tests/simulation/witness.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {

void Witness::Accuse(absl::string_view rule, absl::string_view subject, absl::string_view why) {
  world_.Note(rule, subject);
  offences_.push_back(absl::StrCat(rule, " ", subject, ": ", why));
}

std::string WordsOf(const chat::v1::Message& message) {
  std::string words;
  if (message.role() != chat::v1::ASSISTANT) return words;
  for (const auto& part : message.parts()) words += part.text().text();
  return words;
}

std::string WordsOf(const chat::v1::Turn& turn) {
  std::string words;
  for (const auto& message : turn.output()) words += WordsOf(message);
  return words;
}

harness::SeenEvent SeenOf(const chat::v1::TurnEvent& event) {
  using Kind = harness::SeenEvent::Kind;
  harness::SeenEvent seen{.index = event.index()};
  switch (event.event_case()) {
    case chat::v1::TurnEvent::kAccepted:
      seen.kind = Kind::kAccepted;
      break;
    case chat::v1::TurnEvent::kStarted:
      seen.kind = Kind::kStarted;
      seen.run = event.started().run();
      break;
    case chat::v1::TurnEvent::kDelta:
      seen.kind = Kind::kDelta;
      seen.text = event.delta().text();
      break;
    case chat::v1::TurnEvent::kStepFinished:
      seen.kind = Kind::kStepFinished;
      seen.step = event.step_finished().step();
      seen.text = WordsOf(event.step_finished().message());
      break;
    case chat::v1::TurnEvent::kToolCallsRequested:
      seen.kind = Kind::kToolCallsRequested;
      seen.step = event.tool_calls_requested().step();
      break;
    case chat::v1::TurnEvent::kRestarted:
      seen.kind = Kind::kRestarted;
      seen.run = event.restarted().run();
      seen.keep_through = event.restarted().keep_through_index();
      break;
    case chat::v1::TurnEvent::kFinished:
      seen.kind = Kind::kFinished;
      seen.state = event.finished().turn().state();
      seen.text = WordsOf(event.finished().turn());
      break;
    default:
      break;
  }
  return seen;
}

}  // namespace penstock::simulation
