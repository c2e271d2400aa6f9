// What a test asks of the provider simulator: see tests/providersim/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::harness {

// One message of a request to the provider.
struct PromptMessage {
  std::string role;
  std::string text;
};

// One request that the simulator received.
struct ProviderRequest {
  int64_t number = 0;
  // As our headers say: the last part of its name.
  std::string turn;
  int64_t attempt = 0;
  int64_t start_us = 0;
  // 0 while it is open.
  int64_t end_us = 0;
  std::string outcome;
  int64_t tokens_sent = 0;
  // "openai" or "anthropic".
  std::string format = {};
  // In either format. Anthropic's `system` stands first, as a message of that role, and each
  // tool_result block is a message of role tool, as OpenAI has it.
  std::vector<PromptMessage> messages = {};
  // The whole body, as JSON.
  std::string body = {};
};

// What callers had of a simulator that has limits, and how often it refused.
struct Served {
  int64_t input_tokens = 0;
  // Sent so far.
  int64_t output_tokens = 0;
  int64_t calls = 0;
  int64_t rate_limited = 0;
};

// The newest user message begins with what Penstock remembers.
struct SplitNotes {
  // With "<notes>" and "</notes>"; empty when there are none.
  std::string notes;
  std::string rest;
};
SplitNotes Split(absl::string_view message);

// Blocking HTTP/1.1 calls. Thread-safe.
class Simulator {
 public:
  // "http://127.0.0.1:40123/v1".
  explicit Simulator(absl::string_view provider_url);

  // Oldest first; those with a number above `since` that are still recorded (--record-limit).
  absl::StatusOr<std::vector<ProviderRequest>> Requests(int64_t since = 0) const;
  // Those made for one turn, "sessions/…/turns/…".
  absl::StatusOr<std::vector<ProviderRequest>> RequestsOf(absl::string_view turn) const;
  // Number of the newest request.
  absl::StatusOr<int64_t> LastNumber() const;
  absl::StatusOr<int64_t> OpenStreams() const;
  // Over all accounts and models.
  absl::StatusOr<Served> ServedSoFar() const;
  // Every limit is `factor` times its flag from now on, and no header says so.
  absl::Status ChangeLimitsSilently(double factor) const;

  // Every completion is answered with this status from now on; 0: as usual again.
  absl::Status SetOutage(int status) const;

  // Token `count` of the streams at this gate has arrived; the next may be sent.
  absl::Status Acknowledge(absl::string_view gate, int count) const;
  // Where another program does that.
  std::string GateUrl(absl::string_view gate) const;

 private:
  absl::StatusOr<std::string> Http(const std::string& path, const std::string* body) const;

  std::string control_url_;
};

}  // namespace penstock::harness
