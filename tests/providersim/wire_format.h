// One provider's API on the wire. What is decided, and when it is sent, is the same in each.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "tests/providersim/answer_writer.h"
#include "tests/providersim/api_error.h"
#include "tests/providersim/limit_state.h"
#include "tests/providersim/prompt.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::providersim {

// Headers that say who asks, and by which rules. Empty when they are not given.
struct AccessHeaders {
  absl::string_view authorization;
  absl::string_view api_key;
  absl::string_view anthropic_version;
};

// Stateless, so thread-safe. Never destroyed.
class WireFormat {
 public:
  virtual ~WireFormat() = default;

  // As directives and records name it: "openai", "anthropic".
  virtual absl::string_view name() const = 0;

  // The account's key; empty when none is given.
  virtual absl::string_view KeyOf(const AccessHeaders& headers) const = 0;
  // `key` is demanded unless it is empty.
  virtual Refused CheckAccess(const AccessHeaders& headers, absl::string_view key) const = 0;
  // Fills `document` and `prompt`, which points into it.
  virtual Refused Read(absl::string_view body, boost::json::value& document,
                       Prompt& prompt) const = 0;

  virtual std::unique_ptr<AnswerWriter> NewWriter(const Reply& reply, absl::string_view id,
                                                  int64_t created) const = 0;
  // False: a refusal is an end without words.
  virtual bool refuses_in_words() const = 0;
  // The id of a call: of the prompt, so that the same request gets the same ones.
  virtual std::string CallId(uint64_t prompt_hash, bool thought, int call) const = 0;

  // What an answer of `status` says when a test asks for it; `code` replaces the usual one.
  virtual ApiError ErrorOfStatus(int status, absl::string_view code) const = 0;
  virtual ApiError UnknownModel(absl::string_view model) const = 0;
  virtual ApiError LimitError(const LimitExceeded& exceeded, absl::string_view model) const = 0;
  virtual std::string ErrorBody(const ApiError& error, absl::string_view request_id) const = 0;
  // The bodies of GET /v1/models/{model} and GET /v1/models.
  virtual std::string ModelBody(absl::string_view model) const = 0;
  virtual std::string ModelListBody(const std::vector<std::string>& models) const = 0;

  // Header lines, each with its end. Those that every answer has:
  virtual std::string Headers(absl::string_view request_id,
                              std::chrono::milliseconds processing) const = 0;
  virtual std::string RetryAfter(std::chrono::milliseconds wait) const = 0;
  virtual std::string LimitHeaders(const std::vector<LimitState>& states, absl::Time now) const = 0;
  // Those of an account that is never limited, and whose only request this is.
  virtual std::string IdleLimitHeaders(int64_t prompt_tokens, absl::Time now) const = 0;
};

}  // namespace penstock::providersim
