#include "services/dispatcher/turn/turn_metrics.h"

#include <algorithm>
#include <cmath>

namespace penstock::dispatcher {
namespace {

// Shorter waits count as this long: whoever waits 10 ms rather than 5 does not mind.
constexpr double kMinWaitSeconds = 1;

prometheus::Counter& EtaCounter(obs::Metrics& metrics, const char* within) {
  return metrics.AddCounter("penstock_dispatcher_eta_starts_total",
                            "Turns started, by how the wait kept to the estimate first given.",
                            {{"within", within}});
}

}  // namespace

TurnMetrics::TurnMetrics(obs::Metrics& metrics)
    : live(metrics.AddGauge("penstock_dispatcher_live_turns", "Turns accepted and not ended.")),
      held_bytes(metrics.AddGauge("penstock_dispatcher_held_bytes",
                                  "What live turns have brought, kept until they end.")),
      open_streams(metrics.AddGauge("penstock_dispatcher_open_streams",
                                    "Streams of turns' events, to all gateways.")),
      accepted(metrics.AddCounter("penstock_dispatcher_turns_accepted_total",
                                  "Turns journaled and acknowledged.")),
      actions_demoted(metrics.AddCounter("penstock_dispatcher_actions_demoted_total",
                                         "Turns of urgency ACTION beyond their tenant's share.")),
      firsts_demoted(
          metrics.AddCounter("penstock_dispatcher_firsts_demoted_total",
                             "First turns of sessions beyond their user's or tenant's share.")),
      doomed(metrics.AddCounter("penstock_dispatcher_doomed_total",
                                "Turns ended before a call whose answer would come too late.")),
      attempts(metrics.AddCounter("penstock_dispatcher_attempts_total",
                                  "Calls handed to an adapter that took them.")),
      repeated_attempts(metrics.AddCounter("penstock_dispatcher_repeated_attempts_total",
                                           "Attempts after the first of their run.")),
      not_taken(metrics.AddCounter("penstock_dispatcher_calls_not_taken_total",
                                   "Calls that no adapter took; the permit went back.")),
      rate_limited(metrics.AddCounter("penstock_dispatcher_rate_limited_total",
                                      "Calls that a provider refused: too many requests.")),
      fallbacks(metrics.AddCounter("penstock_dispatcher_fallbacks_total",
                                   "Steps that went on to a further model.")),
      continued(metrics.AddCounter("penstock_dispatcher_continued_answers_total",
                                   "Answers cut by auto_max_tokens and continued by a call.")),
      reruns(metrics.AddCounter("penstock_dispatcher_reruns_total",
                                "Turns started again after the loss of a dispatcher.")),
      dead_letters(metrics.AddCounter("penstock_dispatcher_dead_letters_total",
                                      "Turns started turn.max_starts times without an end.")),
      lost_streams(metrics.AddCounter("penstock_dispatcher_lost_streams_total",
                                      "Adapter streams that broke before their end.")),
      recall_degraded(metrics.AddCounter("penstock_dispatcher_recall_degraded_total",
                                         "Turns that went on without the memories they wanted.")),
      awaiting_tools(metrics.AddGauge("penstock_dispatcher_awaiting_tools",
                                      "Turns that wait for results of their caller's tools.")),
      tool_calls(metrics.AddCounter("penstock_dispatcher_tool_calls_total",
                                    "Calls of callers' tools that models asked for.")),
      tool_timeouts(metrics.AddCounter("penstock_dispatcher_tool_timeouts_total",
                                       "Turns whose tool results did not come in time.")),
      tool_limits(metrics.AddCounter("penstock_dispatcher_tool_limits_total",
                                     "Turns ended by turn.max_tool_calls.")),
      late_commits(metrics.AddCounter("penstock_dispatcher_late_commits_total",
                                      "Finished generations journaled because a commit was late.")),
      fenced(metrics.AddCounter("penstock_dispatcher_fenced_total",
                                "Commits and begins refused because a newer owner exists.")),
      life_(metrics.AddHistogram("penstock_dispatcher_turn_seconds",
                                 "From acceptance to the end of a turn.", obs::LatencyBuckets())),
      eta_error_(metrics.AddHistogram("penstock_dispatcher_eta_error_ratio",
                                      "Difference of the wait and the first estimate of its "
                                      "median, by the wait (at least 1 s).",
                                      {0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10})),
      within_p50_(EtaCounter(metrics, "p50")),
      within_p90_(EtaCounter(metrics, "p90")),
      beyond_p90_(EtaCounter(metrics, "none")) {
  for (const auto state : {chat::v1::Turn::SUCCEEDED, chat::v1::Turn::FAILED,
                           chat::v1::Turn::CANCELLED, chat::v1::Turn::EXPIRED}) {
    ended_[state] = &metrics.AddCounter("penstock_dispatcher_turns_ended_total",
                                        "Turns ended, by their terminal state.",
                                        {{"state", chat::v1::Turn::State_Name(state)}});
  }
  for (int c = chat::v1::CLASS_ACTION; c <= chat::v1::CLASS_BATCH; ++c) {
    waits_[static_cast<size_t>(c)] = &metrics.AddHistogram(
        "penstock_dispatcher_wait_seconds", "From acceptance to the first permit.",
        obs::LatencyBuckets(),
        {{"class", chat::v1::TurnClass_Name(static_cast<chat::v1::TurnClass>(c))}});
  }
}

void TurnMetrics::CountEnd(chat::v1::Turn::State state, absl::Duration life) {
  if (prometheus::Counter* counter = ended_[static_cast<size_t>(state)]) counter->Increment();
  life_.Observe(absl::ToDoubleSeconds(life));
}

void TurnMetrics::ObserveWait(chat::v1::TurnClass turn_class, absl::Duration wait,
                              std::optional<Eta> told) {
  const double seconds = absl::ToDoubleSeconds(wait);
  if (prometheus::Histogram* histogram = waits_[static_cast<size_t>(turn_class)]) {
    histogram->Observe(seconds);
  }
  if (!told) return;
  eta_error_.Observe(std::abs(seconds - absl::ToDoubleSeconds(told->p50)) /
                     std::max(seconds, kMinWaitSeconds));
  prometheus::Counter& kept =
      wait <= told->p50 ? within_p50_ : (wait <= told->p90 ? within_p90_ : beyond_p90_);
  kept.Increment();
}

}  // namespace penstock::dispatcher
