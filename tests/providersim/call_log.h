// Evidence: what was asked, what was answered, how it ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "libs/base/mutex.h"
#include "tests/providersim/ledger.h"
#include "tests/providersim/reply.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

enum class Outcome {
  kOpen,
  // Everything was sent, the end marker too.
  kCompleted,
  // The simulator broke the answer off: cut, torn or truncated.
  kCut,
  // The client closed its connection first.
  kClientClosed,
  // An error status, an in-band error or a malformed answer.
  kError,
  // The simulator was stopped.
  kStopped,
};

absl::string_view NameOf(Outcome outcome);

using WallTime = std::chrono::system_clock::time_point;

// What is known of a call when it begins.
struct CallRecord {
  uint64_t number = 0;
  uint64_t connection = 0;
  std::string request_id = {};
  // Of the headers x-penstock-turn and x-penstock-attempt; empty when not sent.
  std::string turn = {};
  std::string attempt = {};
  uint64_t prompt_hash = 0;
  uint64_t newest_hash = 0;
  // "openai", "anthropic".
  absl::string_view format = {};
  // A JSON object of the headers, less those that hold keys.
  std::string headers = {};
  std::string body = {};
  bool body_is_json = false;
  bool stream = false;
  WallTime start = {};
  WallTime end = {};
  Outcome outcome = Outcome::kOpen;
  int status = 0;
  int tokens_sent = 0;
};

// Thread-safe. Numbers are 1, 2, 3 ... in order of arrival.
class CallLog {
 public:
  // Keeps the newest `record_limit` records.
  CallLog(size_t record_limit, Ledger ledger)
      : record_limit_(record_limit), ledger_(std::move(ledger)) {}

  bool records() const { return record_limit_ > 0; }
  bool ledger() const { return ledger_.enabled(); }
  // Gives the record its number and start, keeps it, and answers the number.
  uint64_t Begin(CallRecord& record);
  // `record` is the one given to Begin, less headers and body.
  void End(const CallRecord& record, Outcome outcome, int status, int tokens_sent);
  void ConnectionOpened();
  void ConnectionClosed();

  // Which call with this key this is: 1, 2, 3 ...
  int CountOf(absl::string_view key);

  // {"requests":[...],"last":N,"dropped":N}: records after number `since`, oldest first.
  std::string RequestsJson(uint64_t since, size_t limit) const;
  // "calls":N,"open_streams":N,...
  std::string StatsFields() const;
  void Forget();

 private:
  struct Stats {
    uint64_t calls = 0;
    uint64_t open = 0;
    uint64_t peak_open = 0;
    uint64_t tokens = 0;
    uint64_t connections = 0;
    uint64_t connections_total = 0;
    uint64_t outcomes[6] = {};
  };

  mutable Mutex mutex_;
  const size_t record_limit_;
  Ledger ledger_;
  Stats stats_ ABSL_GUARDED_BY(mutex_);
  // Consecutive numbers.
  std::deque<CallRecord> records_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int, std::less<>> seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::providersim
