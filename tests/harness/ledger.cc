#include "tests/harness/ledger.h"

#include <fstream>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

namespace json = boost::json;

constexpr const char* kAnswers[] = {"INVOKE", "ACK", "FAIL", "UNKNOWN"};
constexpr const char* kKinds[] = {"Accepted",  "Queued",       "Started",
                                  "Delta",     "StepFinished", "ToolCallsRequested",
                                  "Restarted", "Finished"};

std::string Text(absl::Time time) { return absl::FormatTime(time, absl::UTCTimeZone()); }
std::string Text(TurnState state) { return chat::v1::Turn::State_Name(state); }

json::value Line(const Intent& one) {
  return {{"what", "intent"},       {"request_id", one.request_id}, {"user", one.user},
          {"session", one.session}, {"order", one.order},           {"mark", one.mark}};
}

json::value Line(const Told& one) {
  return {{"what", kAnswers[static_cast<int>(one.answer)]},
          {"time", Text(one.time)},
          {"request_id", one.request_id},
          {"turn", one.turn},
          {"detail", one.detail}};
}

json::value Line(const Outcome& one) {
  return {{"what", "outcome"},        {"time", Text(one.time)}, {"turn", one.turn},
          {"state", Text(one.state)}, {"source", one.source},   {"output", one.output}};
}

json::value Line(const Watch& one) {
  json::array events;
  for (const SeenEvent& event : one.events) {
    events.push_back({{"kind", kKinds[static_cast<int>(event.kind)]},
                      {"index", event.index},
                      {"run", event.run},
                      {"text", event.text},
                      {"keep_through", event.keep_through}});
  }
  return {{"what", "watch"}, {"user", one.user}, {"turn", one.turn}, {"events", std::move(events)}};
}

json::value Line(const ProviderCall& one) {
  return {{"what", "provider"},         {"time", Text(one.start)}, {"end", Text(one.end)},
          {"completed", one.completed}, {"turn", one.turn},        {"step", one.step},
          {"attempt", one.attempt},     {"text", one.text}};
}

json::value Line(const ToolWait& one) {
  return {{"what", "tools"},
          {"time", Text(one.asked)},
          {"answered", Text(one.answered)},
          {"turn", one.turn},
          {"step", one.step}};
}

json::value Line(const StoredTurn& one) {
  return {{"what", "stored"},         {"user", one.user},         {"turn", one.name},
          {"sequence", one.sequence}, {"state", Text(one.state)}, {"request_id", one.request_id},
          {"input", one.input},       {"output", one.output}};
}

json::value Line(const KillSeen& one) {
  return {{"what", "kill"},
          {"time", Text(one.time)},
          {"process", one.process},
          {"failpoint", one.failpoint}};
}

json::value Line(const CancelTold& one) {
  return {{"what", "cancel"}, {"time", Text(one.time)}, {"turn", one.turn}};
}

json::value Line(const Made& one) {
  return {{"what", "made"}, {"user", one.user}, {"request_id", one.request_id}, {"name", one.name}};
}

}  // namespace

void Ledger::Want(const Intent& intent) {
  MutexLock lock(mutex_);
  users_[intent.request_id] = intent.user;
  history_.intents.push_back(intent);
}

void Ledger::Tell(Told told) {
  MutexLock lock(mutex_);
  if (told.answer == Answer::kAcknowledged && !ended_.contains(told.turn)) {
    in_flight_[told.turn] = users_[told.request_id];
  }
  history_.told.push_back(std::move(told));
}

void Ledger::TellOutcome(Outcome outcome) {
  MutexLock lock(mutex_);
  in_flight_.erase(outcome.turn);
  ended_[outcome.turn] = outcome.state;
  history_.outcomes.push_back(std::move(outcome));
}

void Ledger::AddWatch(Watch watch) {
  MutexLock lock(mutex_);
  history_.watches.push_back(std::move(watch));
}

void Ledger::AddToolWait(ToolWait wait) {
  MutexLock lock(mutex_);
  history_.tool_waits.push_back(std::move(wait));
}

void Ledger::AddKill(KillSeen kill) {
  MutexLock lock(mutex_);
  history_.kills.push_back(std::move(kill));
}

void Ledger::AddCancel(CancelTold cancel) {
  MutexLock lock(mutex_);
  history_.cancels.push_back(std::move(cancel));
}

void Ledger::AddMade(Made made) {
  MutexLock lock(mutex_);
  history_.made.push_back(std::move(made));
}

std::map<std::string, std::string> Ledger::InFlight() const {
  MutexLock lock(mutex_);
  return in_flight_;
}

size_t Ledger::ended() const {
  MutexLock lock(mutex_);
  return ended_.size();
}

History Ledger::Take() const {
  MutexLock lock(mutex_);
  return history_;
}

absl::Status WriteHistory(const History& history, const std::string& path) {
  std::ofstream file(path);
  const auto write = [&](const auto& entries) {
    for (const auto& entry : entries) file << json::serialize(Line(entry)) << "\n";
  };
  write(history.intents);
  write(history.told);
  write(history.outcomes);
  write(history.watches);
  write(history.provider_calls);
  write(history.tool_waits);
  write(history.stored);
  write(history.kills);
  write(history.cancels);
  write(history.made);
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

}  // namespace penstock::harness
