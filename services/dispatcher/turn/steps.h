// What a turn has done so far: the steps it finished, what its tools answered, and what it cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <google/protobuf/repeated_field.h>

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/dispatcher/v1/journal.pb.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// UTF-8 bytes of what a message says, tool calls and results included.
int64_t BytesOf(const chat::v1::Message& message);
// The same, and what its provider wants back (Opaque.data, Reasoning.state): what is to be kept.
int64_t KeptBytesOf(const chat::v1::Message& message);

// FAILED_PRECONDITION (TURN_NOT_AWAITING_TOOLS).
absl::Status NotAwaitingTools(absl::string_view turn, chat::v1::Turn::State state);

// Pure; not thread-safe. Every finished step asked for tools: an answer without calls ends the
// turn.
class Steps {
 public:
  using Results = google::protobuf::RepeatedPtrField<chat::v1::ToolResult>;

  // As session-state and the journal have them.
  static Steps Of(google::protobuf::RepeatedPtrField<chat::v1::Step> steps,
                  std::vector<v1::ToolResults> results);

  // Of a turn that has ended already: nothing but what its settlement needs to know of results.
  static Steps OfEnded(std::vector<v1::ToolResults> results);

  // Which Generate is under way, or next.
  int32_t current() const { return static_cast<int32_t>(finished_.size()); }
  const std::vector<chat::v1::Step>& finished() const { return finished_; }
  // Of the request ids by which results came.
  const std::vector<v1::ToolResults>& answers() const { return answers_; }

  // An attempt at the current step took this much.
  void Spend(const chat::v1::Usage& usage, std::optional<int64_t> cost_nano_usd);
  // The current step with what it took, as it is to be kept.
  chat::v1::Step Current(chat::v1::Message message) const;
  // The current step is durable.
  void Add(chat::v1::Step step);

  // Those of the last step that have no result yet.
  std::vector<chat::v1::ToolCall> OpenCalls() const;
  // When the model asked for them.
  absl::Time AskedAt() const;
  // Asked for so far.
  int64_t tool_calls() const;
  // KeptBytesOf the assistant's messages, and of all results.
  int64_t output_bytes() const;
  int64_t result_bytes() const;
  bool HasCall(absl::string_view id) const;

  // OK when each open call has exactly one of these results. FAILED_PRECONDITION
  // (TOOL_CALL_MISMATCH) naming ids: expected_ids, missing_ids, unknown_ids, repeated_ids.
  absl::Status Check(const Results& results) const;
  // Results that passed, in any order.
  void Answer(v1::ToolResults answer);
  // Gives open calls an error result, so that every later context is valid.
  void CloseOpenCalls(absl::string_view why);

  // Assistant and tool messages, in order.
  std::vector<chat::v1::Message> Messages() const;
  // Output, usage and cost of all steps, the current one's attempts included.
  void AddTo(chat::v1::Turn& turn) const;
  // What each step took, if there is more than one.
  void AddTo(v1::UsageRow& row) const;

 private:
  struct Spent {
    chat::v1::Usage usage;
    std::optional<int64_t> cost_nano_usd;
    void Add(const chat::v1::Usage& usage, std::optional<int64_t> cost_nano_usd);
  };
  static Spent SpentOn(const chat::v1::Step& step);

  std::vector<chat::v1::Step> finished_;
  std::vector<v1::ToolResults> answers_;
  Spent current_;
};

}  // namespace penstock::dispatcher
