#include <map>
#include <utility>

#include "tests/harness/judge.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

// A watcher that does what the API says: text is deltas, forgotten on Restarted, replaced by what a
// finished step says.
class View {
 public:
  explicit View(const Watch& watch) : watch_(watch) {}

  std::vector<Offence> Judge() && {
    for (const SeenEvent& event : watch_.events) {
      if (event.index <= last_index_) {
        Spliced(absl::StrCat("index ", event.index, " after ", last_index_));
      }
      last_index_ = event.index;
      See(event);
    }
    return std::move(offences_);
  }

 private:
  struct Piece {
    int64_t index;
    std::string text;
  };

  void See(const SeenEvent& event) {
    switch (event.kind) {
      case SeenEvent::Kind::kAccepted:
        if (accepted_++ > 0) Doubled("Accepted twice");
        return;
      case SeenEvent::Kind::kQueued:
      case SeenEvent::Kind::kToolCallsRequested:
        return;
      case SeenEvent::Kind::kStarted:
        return SeeStarted(event);
      case SeenEvent::Kind::kDelta:
        deltas_.push_back({event.index, event.text});
        return;
      case SeenEvent::Kind::kStepFinished:
        return SeeStep(event);
      case SeenEvent::Kind::kRestarted:
        std::erase_if(deltas_,
                      [&](const Piece& piece) { return piece.index > event.keep_through; });
        run_ = event.run;
        return;
      case SeenEvent::Kind::kFinished:
        return SeeFinished(event);
    }
  }

  void SeeStarted(const SeenEvent& event) {
    if (run_ != 0 && run_ != event.run && !deltas_.empty()) {
      Spliced(absl::StrCat("run ", run_, " became run ", event.run,
                           " without Restarted, with text of the first kept"));
    }
    run_ = event.run;
  }

  void SeeStep(const SeenEvent& event) {
    const std::string shown = TakeDeltas();
    if (!shown.empty() && shown != event.text) {
      Spliced(absl::StrCat("shown \"", shown, "\", but the step is \"", event.text, "\""));
    }
    const auto [told, fresh] = steps_.insert({event.step, event.text});
    if (!fresh && told->second != event.text) {
      Spliced(absl::StrCat("step ", event.step, " was \"", told->second, "\" and became \"",
                           event.text, "\""));
    }
  }

  void SeeFinished(const SeenEvent& event) {
    if (finished_++ > 0) Doubled("Finished twice");
    std::string shown;
    for (const auto& [step, text] : steps_) shown += text;
    shown += TakeDeltas();
    if (event.state == chat::v1::Turn::SUCCEEDED && shown != event.text) {
      Spliced(absl::StrCat("shown \"", shown, "\", but the turn's output is \"", event.text, "\""));
    }
  }

  std::string TakeDeltas() {
    std::string text;
    for (const Piece& piece : std::exchange(deltas_, {})) text += piece.text;
    return text;
  }

  void Spliced(std::string why) {
    offences_.push_back({Verdict::kSpliced, watch_.turn, std::move(why)});
  }
  void Doubled(std::string why) {
    offences_.push_back({Verdict::kDoubled, watch_.turn, std::move(why)});
  }

  const Watch& watch_;
  int64_t last_index_ = 0;
  int run_ = 0;
  int accepted_ = 0;
  int finished_ = 0;
  std::vector<Piece> deltas_;
  // By number: a step that was told before a crash is told again after it.
  std::map<int, std::string> steps_;
  std::vector<Offence> offences_;
};

}  // namespace

std::vector<Offence> JudgeWatch(const Watch& watch) { return View(watch).Judge(); }

}  // namespace penstock::harness
