#include "tests/providersim/call_log.h"

#include <algorithm>
#include <utility>

#include "tests/providersim/json_text.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace penstock::providersim {
namespace {

int64_t Micros(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

std::string Rfc3339(WallTime time) {
  return absl::FormatTime(absl::RFC3339_full, absl::FromChrono(time), absl::UTCTimeZone());
}

// Fields that both ledger lines begin with.
std::string LedgerHead(absl::string_view event, const CallRecord& record, WallTime time) {
  return absl::StrCat("{\"event\":\"", event, "\",\"number\":", record.number,
                      ",\"time_us\":", Micros(time), ",\"turn\":", JsonString(record.turn),
                      ",\"attempt\":", JsonString(record.attempt));
}

void AppendRecord(std::string& out, const CallRecord& record) {
  absl::StrAppend(&out, "{\"number\":", record.number, ",\"time\":\"", Rfc3339(record.start),
                  "\",\"start_us\":", Micros(record.start), ",\"end_us\":",
                  record.outcome == Outcome::kOpen ? "null" : absl::StrCat(Micros(record.end)));
  absl::StrAppend(
      &out, ",\"connection\":", record.connection, ",\"request_id\":\"", record.request_id,
      "\",\"turn\":", JsonString(record.turn), ",\"attempt\":", JsonString(record.attempt),
      ",\"outcome\":\"", NameOf(record.outcome), "\",\"status\":", record.status,
      ",\"stream\":", record.stream ? "true" : "false", ",\"tokens_sent\":", record.tokens_sent,
      ",\"format\":\"", record.format, "\",\"headers\":", record.headers);
  absl::StrAppend(&out, ",\"body\":", record.body_is_json ? record.body : JsonString(record.body),
                  "}");
}

}  // namespace

absl::string_view NameOf(Outcome outcome) {
  constexpr absl::string_view kNames[] = {"open",          "completed", "cut",
                                          "client_closed", "error",     "stopped"};
  return kNames[static_cast<size_t>(outcome)];
}

uint64_t CallLog::Begin(CallRecord& record) {
  record.start = std::chrono::system_clock::now();
  {
    MutexLock lock(mutex_);
    record.number = ++stats_.calls;
    stats_.peak_open = std::max(stats_.peak_open, ++stats_.open);
    if (record_limit_ > 0) {
      if (records_.size() == record_limit_) records_.pop_front();
      std::string headers = std::move(record.headers);
      std::string body = std::move(record.body);
      records_.push_back(record);
      records_.back().headers = std::move(headers);
      records_.back().body = std::move(body);
    }
  }
  if (ledger_.enabled()) {
    ledger_.Append(absl::StrCat(LedgerHead("start", record, record.start), ",\"prompt_hash\":\"",
                                absl::Hex(record.prompt_hash, absl::kZeroPad16),
                                "\",\"newest_hash\":\"",
                                absl::Hex(record.newest_hash, absl::kZeroPad16), "\"}\n"));
  }
  return record.number;
}

void CallLog::End(const CallRecord& record, Outcome outcome, int status, int tokens_sent) {
  const WallTime end = std::chrono::system_clock::now();
  {
    MutexLock lock(mutex_);
    --stats_.open;
    ++stats_.outcomes[static_cast<size_t>(outcome)];
    stats_.tokens += static_cast<uint64_t>(tokens_sent);
    const uint64_t first = records_.empty() ? UINT64_MAX : records_.front().number;
    if (record.number >= first) {
      CallRecord& kept = records_[record.number - first];
      kept.outcome = outcome;
      kept.status = status;
      kept.tokens_sent = tokens_sent;
      kept.end = end;
    }
  }
  if (ledger_.enabled()) {
    ledger_.Append(absl::StrCat(LedgerHead("end", record, end), ",\"outcome\":\"", NameOf(outcome),
                                "\",\"status\":", status, ",\"tokens_sent\":", tokens_sent, "}\n"));
  }
}

void CallLog::ConnectionOpened() {
  MutexLock lock(mutex_);
  ++stats_.connections;
  ++stats_.connections_total;
}

void CallLog::ConnectionClosed() {
  MutexLock lock(mutex_);
  --stats_.connections;
}

int CallLog::CountOf(absl::string_view key) {
  MutexLock lock(mutex_);
  return ++seen_[std::string(key)];
}

std::string CallLog::RequestsJson(uint64_t since, size_t limit) const {
  MutexLock lock(mutex_);
  std::string out = "{\"requests\":[";
  size_t listed = 0;
  for (const CallRecord& record : records_) {
    if (record.number <= since) continue;
    if (listed == limit) break;
    if (listed++ > 0) out += ",";
    AppendRecord(out, record);
  }
  absl::StrAppend(&out, "],\"last\":", stats_.calls,
                  ",\"dropped\":", stats_.calls - records_.size(), "}\n");
  return out;
}

std::string CallLog::StatsFields() const {
  MutexLock lock(mutex_);
  std::string out = absl::StrCat(
      "\"calls\":", stats_.calls, ",\"open_streams\":", stats_.open,
      ",\"peak_open_streams\":", stats_.peak_open, ",\"tokens_sent\":", stats_.tokens,
      ",\"connections\":", stats_.connections, ",\"connections_total\":", stats_.connections_total);
  for (Outcome outcome : {Outcome::kCompleted, Outcome::kCut, Outcome::kClientClosed,
                          Outcome::kError, Outcome::kStopped}) {
    absl::StrAppend(&out, ",\"", NameOf(outcome),
                    "\":", stats_.outcomes[static_cast<size_t>(outcome)]);
  }
  return out;
}

void CallLog::Forget() {
  MutexLock lock(mutex_);
  records_.clear();
  seen_.clear();
}

}  // namespace penstock::providersim
