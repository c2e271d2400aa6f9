#include "services/dispatcher/admission/refusal_counter.h"

#include <string>

#include "libs/base/refusal.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::string_view kOther = "OTHER";
constexpr absl::string_view kQueueFull = "QUEUE_FULL";
constexpr absl::string_view kReasons[] = {kQueueFull,
                                          "WAIT_TOO_LONG",
                                          "SESSION_QUEUE_FULL",
                                          "USER_RATE",
                                          "USER_BUDGET",
                                          "TENANT_BUDGET",
                                          "FIELD_INVALID",
                                          "IMPOSSIBLE_COST",
                                          "REQUEST_ID_REUSED",
                                          "SCOPE_MISSING",
                                          "OVERRIDE_FORBIDDEN",
                                          "SESSION_NOT_FOUND",
                                          "AGENT_NOT_FOUND",
                                          "DEADLINE_IN_PAST",
                                          "SESSION_BUSY",
                                          "OWNER_MOVED",
                                          "STORE_UNAVAILABLE",
                                          "DRAINING",
                                          kOther};
// FIRST is decided when a turn is taken: until then it is of the class of its tier.
constexpr chat::v1::TurnClass kClasses[] = {chat::v1::CLASS_ACTION, chat::v1::CLASS_PAID,
                                            chat::v1::CLASS_FREE, chat::v1::CLASS_BATCH};

}  // namespace

RefusalCounter::RefusalCounter(obs::Metrics& metrics) {
  for (const absl::string_view reason : kReasons) {
    for (const chat::v1::TurnClass turn_class : kClasses) {
      counters_[{reason, turn_class}] = &metrics.AddCounter(
          "penstock_dispatcher_refused_total", "Turns that were not taken.",
          {{"reason", std::string(reason)}, {"class", chat::v1::TurnClass_Name(turn_class)}});
    }
  }
}

void RefusalCounter::Count(const absl::Status& status, chat::v1::TurnClass turn_class) const {
  if (status.ok()) return;
  const std::string reason = ReasonOf(status);
  auto found = counters_.find({reason, turn_class});
  if (found == counters_.end()) found = counters_.find({kOther, turn_class});
  if (found != counters_.end()) found->second->Increment();
}

void RefusalCounter::CountFull(chat::v1::TurnClass turn_class, int64_t times) const {
  const auto found = counters_.find({kQueueFull, turn_class});
  if (found != counters_.end()) found->second->Increment(static_cast<double>(times));
}

}  // namespace penstock::dispatcher
