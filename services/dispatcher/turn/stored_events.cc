#include "services/dispatcher/turn/stored_events.h"

#include <utility>

#include "libs/base/ids.h"
#include "services/dispatcher/turn/event_index.h"

namespace penstock::dispatcher {

std::vector<chat::v1::TurnEvent> StepEvents(const chat::v1::Turn& turn, int32_t from_step) {
  std::vector<chat::v1::TurnEvent> events;
  // A partial answer is the last message.
  const int whole = turn.output_partial() ? turn.output_size() - 1 : turn.output_size();
  int32_t step = 0;
  for (int i = 0; i < whole; ++i) {
    if (turn.output(i).role() == chat::v1::TOOL) continue;
    if (step >= from_step) {
      auto* finished = events.emplace_back().mutable_step_finished();
      finished->set_step(step);
      *finished->mutable_message() = turn.output(i);
    }
    ++step;
  }
  return events;
}

std::vector<chat::v1::TurnEvent> StoredEvents(const chat::v1::Turn& turn, int64_t after_index,
                                              bool outcome_only) {
  std::vector<chat::v1::TurnEvent> events;
  int64_t index = after_index;
  const auto add = [&](chat::v1::TurnEvent event, const google::protobuf::Timestamp& time) {
    event.set_index(++index);
    *event.mutable_time() = time;
    events.push_back(std::move(event));
  };
  chat::v1::TurnEvent first;
  if (after_index < kAcceptedIndex) {
    first.mutable_accepted()->set_turn(turn.name());
    if (const auto ids = ParseTurnName(turn.name(), "turn"); ids.ok()) {
      first.mutable_accepted()->set_session(SessionName(ids->session));
    }
    add(std::move(first), turn.create_time());
  } else if (!outcome_only) {
    first.mutable_restarted()->set_run(turn.run());
    first.mutable_restarted()->set_keep_through_index(kAcceptedIndex);
    add(std::move(first), turn.end_time());
  }
  if (!outcome_only) {
    for (auto& step : StepEvents(turn, 0)) add(std::move(step), turn.end_time());
  }
  chat::v1::TurnEvent last;
  *last.mutable_finished()->mutable_turn() = turn;
  add(std::move(last), turn.end_time());
  return events;
}

}  // namespace penstock::dispatcher
