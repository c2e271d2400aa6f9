#include "tests/harness/judge.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "tests/harness/canary.h"
#include "tests/harness/stages.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::harness {
namespace {

// "t" of "sessions/s/turns/t".
std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// An intent with all that became of it.
struct Wish {
  const Intent* intent = nullptr;
  // Names it was acknowledged with.
  std::set<std::string> names;
  bool refused = false;
  const StoredTurn* stored = nullptr;
  std::vector<const ProviderCall*> calls;

  std::string subject() const { return names.empty() ? intent->request_id : *names.begin(); }
};

class Court {
 public:
  explicit Court(const History& history) : history_(history) {
    report_.kills = KillsWithStages(history);
    Gather();
  }

  Report Judge() && {
    JudgeSubmissions();
    JudgeStored();
    JudgeOutcomes();
    JudgeSessions();
    JudgeCanaries();
    JudgeCancels();
    JudgeMade();
    for (const Watch& watch : history_.watches) {
      for (Offence& offence : JudgeWatch(watch)) report_.offences.push_back(std::move(offence));
    }
    for (Offence& offence : JudgeTools(history_)) report_.offences.push_back(std::move(offence));
    Count();
    return std::move(report_);
  }

 private:
  void Accuse(Verdict verdict, const std::string& subject, std::string why) {
    report_.offences.push_back({verdict, subject, std::move(why)});
  }

  void Gather() {
    for (const Intent& intent : history_.intents) {
      wishes_[intent.request_id].intent = &intent;
      owner_of_canary_[CanaryOf(intent.user)] = intent.user;
    }
    for (const Told& told : history_.told) {
      const auto wish = wishes_.find(told.request_id);
      if (wish == wishes_.end()) continue;
      if (told.answer == Answer::kAcknowledged) wish->second.names.insert(told.turn);
      if (told.answer == Answer::kRefused) wish->second.refused = true;
    }
    for (const StoredTurn& turn : history_.stored) {
      const auto wish = wishes_.find(turn.request_id);
      if (wish != wishes_.end() && wish->second.intent->user == turn.user) {
        wish->second.stored = &turn;
        wish_by_id_[IdOf(turn.name)] = &wish->second;
      }
    }
    for (const ProviderCall& call : history_.provider_calls) {
      const auto wish = wish_by_id_.find(IdOf(call.turn));
      if (wish != wish_by_id_.end()) {
        wish->second->calls.push_back(&call);
      } else {
        Accuse(Verdict::kPhantom, call.turn,
               absl::StrCat("the provider was sent a turn that is nowhere, at ",
                            absl::FormatTime(call.start, absl::UTCTimeZone())));
      }
    }
  }

  void JudgeSubmissions() {
    for (const auto& [request_id, wish] : wishes_) {
      if (wish.names.empty() && !wish.refused) {
        Accuse(Verdict::kUnresolved, request_id, "never acknowledged and never refused");
      }
      if (wish.names.size() > 1) {
        Accuse(Verdict::kDoubled, wish.subject(),
               absl::StrCat("one request_id became ", absl::StrJoin(wish.names, " and ")));
      }
      for (const std::string& name : wish.names) JudgeAcknowledged(wish, name);
    }
  }

  void JudgeAcknowledged(const Wish& wish, const std::string& name) {
    const auto is_this = [&](const StoredTurn& turn) {
      return turn.name == name && turn.user == wish.intent->user;
    };
    const auto stored = std::find_if(history_.stored.begin(), history_.stored.end(), is_this);
    if (stored == history_.stored.end()) {
      Accuse(Verdict::kLost, name, "acknowledged, and at the end there is no such turn");
    } else if (!IsTerminal(stored->state)) {
      Accuse(Verdict::kLost, name,
             absl::StrCat("still ", chat::v1::Turn::State_Name(stored->state), " at the end"));
    }
  }

  void JudgeStored() {
    std::set<std::pair<std::string, std::string>> names;
    std::map<std::pair<std::string, std::string>, std::string> by_request;
    for (const StoredTurn& turn : history_.stored) {
      if (!names.insert({turn.user, turn.name}).second) {
        Accuse(Verdict::kDoubled, turn.name, "listed twice");
        continue;
      }
      const auto [first, fresh] = by_request.insert({{turn.user, turn.request_id}, turn.name});
      if (!fresh) {
        Accuse(Verdict::kDoubled, turn.name, absl::StrCat("has the request_id of ", first->second));
      }
      JudgeWanted(turn);
    }
  }

  void JudgeWanted(const StoredTurn& turn) {
    const auto wish = wishes_.find(turn.request_id);
    if (wish == wishes_.end()) {
      Accuse(Verdict::kPhantom, turn.name, absl::StrCat("nobody sent ", turn.request_id));
    } else if (wish->second.intent->user != turn.user) {
      Accuse(Verdict::kCrossed, turn.name,
             absl::StrCat("wanted by ", wish->second.intent->user, ", listed for ", turn.user));
    } else if (wish->second.names.empty() && wish->second.refused) {
      Accuse(Verdict::kPhantom, turn.name, "its submission was refused");
    }
  }

  // Whoever told of an end told of the same one, and nothing ran after it.
  void JudgeOutcomes() {
    std::map<std::string, Outcome> first;
    for (const Outcome& outcome : EndsTold()) {
      const auto [known, fresh] = first.insert({outcome.turn, outcome});
      Outcome& before = known->second;
      if (!fresh && (before.state != outcome.state || before.output != outcome.output)) {
        Accuse(Verdict::kDoubled, outcome.turn,
               absl::StrCat(before.source, " told ", Shown(before), ", ", outcome.source, " told ",
                            Shown(outcome)));
      }
      before.time = std::min(before.time, outcome.time);
    }
    for (const auto& [turn, outcome] : first) JudgeCallsAfter(outcome);
  }

  std::vector<Outcome> EndsTold() const {
    std::vector<Outcome> ends = history_.outcomes;
    for (const StoredTurn& turn : history_.stored) {
      if (!IsTerminal(turn.state)) continue;
      ends.push_back(
          {.turn = turn.name, .state = turn.state, .output = turn.output, .source = "ListTurns"});
    }
    return ends;
  }

  static std::string Shown(const Outcome& outcome) {
    return absl::StrCat(chat::v1::Turn::State_Name(outcome.state), " \"", outcome.output, "\"");
  }

  void JudgeCallsAfter(const Outcome& end) {
    const auto wish = wish_by_id_.find(IdOf(end.turn));
    if (wish == wish_by_id_.end()) return;
    for (const ProviderCall* call : wish->second->calls) {
      if (call->start > end.time) {
        Accuse(Verdict::kDoubled, end.turn,
               absl::StrCat("sent to the provider ", absl::FormatDuration(call->start - end.time),
                            " after its end was told"));
      }
    }
  }

  void JudgeSessions() {
    std::map<std::pair<std::string, std::string>, std::vector<const Wish*>> sessions;
    for (const auto& [request_id, wish] : wishes_) {
      if (wish.stored == nullptr) continue;
      sessions[{wish.intent->user, wish.intent->session}].push_back(&wish);
    }
    for (auto& [session, turns] : sessions) {
      std::sort(turns.begin(), turns.end(),
                [](const Wish* a, const Wish* b) { return a->intent->order < b->intent->order; });
      for (size_t i = 0; i < turns.size(); ++i) JudgePlace(turns, i);
    }
  }

  void JudgePlace(const std::vector<const Wish*>& turns, size_t i) {
    const StoredTurn& turn = *turns[i]->stored;
    if (turn.sequence != static_cast<int64_t>(i) + 1) {
      Accuse(Verdict::kReordered, turn.name,
             absl::StrCat("accepted as number ", i + 1, ", stored as ", turn.sequence));
    }
    for (const ProviderCall* call : turns[i]->calls) {
      if (i > 0) JudgeCallAfter(*turns[i - 1], *call, turn);
      for (size_t j = 0; j < i; ++j) JudgeRemembered(*turns[j], *call, turn);
    }
  }

  // Every call of a turn comes after every call of the turn before it in its session.
  void JudgeCallAfter(const Wish& before, const ProviderCall& call, const StoredTurn& turn) {
    for (const ProviderCall* earlier : before.calls) {
      if (earlier->start > call.start) {
        Accuse(Verdict::kReordered, turn.name,
               absl::StrCat("sent to the provider before ", before.subject()));
        return;
      }
    }
  }

  void JudgeRemembered(const Wish& before, const ProviderCall& call, const StoredTurn& turn) {
    const std::string& mark = before.intent->mark;
    if (mark.empty() || before.stored->state != chat::v1::Turn::SUCCEEDED) return;
    if (!absl::StrContains(call.text, mark)) {
      Accuse(Verdict::kReordered, turn.name,
             absl::StrCat("its prompt does not hold ", before.subject()));
    }
  }

  void JudgeCanaries() {
    for (const StoredTurn& turn : history_.stored) {
      Search(turn.input, turn.user, turn.name, "input");
      Search(turn.output, turn.user, turn.name, "output");
    }
    for (const Watch& watch : history_.watches) {
      for (const SeenEvent& event : watch.events) {
        Search(event.text, watch.user, watch.turn, "events");
      }
    }
    for (const auto& [id, wish] : wish_by_id_) {
      for (const ProviderCall* call : wish->calls) {
        Search(call->text, wish->intent->user, wish->subject(), "prompt");
      }
    }
  }

  void Search(const std::string& text, const std::string& user, const std::string& subject,
              absl::string_view where) {
    for (const std::string& canary : CanariesIn(text)) {
      const auto owner = owner_of_canary_.find(canary);
      if (owner == owner_of_canary_.end() || owner->second == user) continue;
      Accuse(Verdict::kCrossed, subject,
             absl::StrCat("the ", where, " shows ", user, " what is of ", owner->second));
    }
  }

  // A call that begins after a cancel was acknowledged: somebody forgot it.
  void JudgeCancels() {
    for (const CancelTold& cancel : history_.cancels) {
      const auto wish = wish_by_id_.find(IdOf(cancel.turn));
      if (wish == wish_by_id_.end()) continue;
      for (const ProviderCall* call : wish->second->calls) {
        if (call->start <= cancel.time + kUnderWay) continue;
        Accuse(Verdict::kLost, cancel.turn,
               absl::StrCat("its cancel: sent to the provider ",
                            absl::FormatDuration(call->start - cancel.time),
                            " after the cancel was acknowledged"));
      }
    }
  }

  void JudgeMade() {
    const std::set<std::pair<std::string, std::string>> kept(history_.kept.begin(),
                                                             history_.kept.end());
    std::map<std::pair<std::string, std::string>, std::string> by_request;
    for (const Made& made : history_.made) {
      const auto [first, fresh] = by_request.insert({{made.user, made.request_id}, made.name});
      if (!fresh && first->second != made.name) {
        Accuse(Verdict::kDoubled, made.name, absl::StrCat("has the request_id of ", first->second));
      }
      if (fresh && !kept.contains({made.user, made.name})) {
        Accuse(Verdict::kLost, made.name, "its create was acknowledged, and it is not there");
      }
    }
  }

  void Count() {
    Counts& counts = report_.counts;
    counts.intents = static_cast<int>(wishes_.size());
    counts.provider_calls = static_cast<int>(history_.provider_calls.size());
    for (const Told& told : history_.told) counts.broken_calls += told.answer == Answer::kUnknown;
    for (const auto& [request_id, wish] : wishes_) {
      counts.acknowledged += !wish.names.empty();
      counts.ended += wish.stored != nullptr && IsTerminal(wish.stored->state);
      CountRepeats(wish.calls, history_.kills, report_);
    }
    for (const Watch& watch : history_.watches) {
      counts.restarted_watches += std::any_of(
          watch.events.begin(), watch.events.end(),
          [](const SeenEvent& event) { return event.kind == SeenEvent::Kind::kRestarted; });
    }
  }

  const History& history_;
  std::map<std::string, Wish> wishes_;
  std::map<std::string, Wish*> wish_by_id_;
  std::map<std::string, std::string> owner_of_canary_;
  Report report_;
};

}  // namespace

Report Judge(const History& history) { return Court(history).Judge(); }

}  // namespace penstock::harness
