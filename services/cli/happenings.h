// What can happen while an answer comes, one after the other for the one thread that shows it.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "penstock/chat/v1/turn.pb.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::cli {

// The stream ended, with OK after Finished. Last.
struct StreamEnded {
  absl::Status status;
};
// The stream broke, and is being taken up again.
struct ConnectionLost {};
// Ctrl-C.
struct Interrupted {};
// What the gateway said to CancelTurn.
struct CancelAnswered {
  absl::Status status;
};

// A line about a tool that runs here.
struct ToolNotice {
  std::string text;
};
// Somebody is asked, and types the answer behind it.
struct ToolQuestion {
  std::string text;
};
// All calls of a step have their results.
struct ToolsRan {
  int step = 0;
  // Of the request that submits them.
  std::string request_id;
  std::vector<chat::v1::ToolResult> results;
};
// What the gateway said to SubmitToolResults.
struct ResultsAnswered {
  absl::Status status;
};

using Happening = std::variant<chat::v1::TurnEvent, StreamEnded, ConnectionLost, Interrupted,
                               CancelAnswered, ToolNotice, ToolQuestion, ToolsRan, ResultsAnswered>;

// Thread-safe.
class Happenings {
 public:
  void Put(Happening happening) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(happening));
    }
    changed_.notify_one();
  }

  // The oldest; nullopt when none has come within `patience`.
  std::optional<Happening> Take(absl::Duration patience) {
    std::unique_lock lock(mutex_);
    const auto some = [this] { return !queue_.empty(); };
    if (patience == absl::InfiniteDuration()) {
      changed_.wait(lock, some);
    } else if (!changed_.wait_for(lock, absl::ToChronoNanoseconds(patience), some)) {
      return std::nullopt;
    }
    Happening oldest = std::move(queue_.front());
    queue_.pop_front();
    return oldest;
  }

 private:
  // Not penstock::Mutex, whose CondVar cannot wait for a time.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Happening> queue_;
};

}  // namespace penstock::cli
