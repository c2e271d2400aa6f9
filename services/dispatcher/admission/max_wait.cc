#include "services/dispatcher/admission/max_wait.h"

#include "libs/base/proto_time.h"

namespace penstock::dispatcher {

MaxWait MaxWaitOf(const config::v1::Queue& queue, const chat::v1::TurnSpec& spec,
                  chat::v1::TurnClass turn_class) {
  if (spec.has_max_wait()) return {FromProto(spec.max_wait()), "turn.max_wait"};
  switch (turn_class) {
    case chat::v1::CLASS_ACTION:
      return {FromProto(queue.action_max_wait()), "queue.action_max_wait"};
    case chat::v1::CLASS_FREE:
      return {FromProto(queue.free_max_wait()), "queue.free_max_wait"};
    case chat::v1::CLASS_BATCH:
      return {FromProto(queue.batch_max_wait()), "queue.batch_max_wait"};
    default:
      return {FromProto(queue.paid_max_wait()), "queue.paid_max_wait"};
  }
}

}  // namespace penstock::dispatcher
