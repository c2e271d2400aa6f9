// What one call is answered with: decided as a whole before the first byte is sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/providersim/api_error.h"
#include "tests/providersim/directives.h"
#include "tests/providersim/options.h"
#include "tests/providersim/prompt_cache.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

class WireFormat;

// A text and where its tokens end. A token is a word with the white space before it, so tokens
// never split a character.
class TokenText {
 public:
  TokenText() = default;
  explicit TokenText(std::string text);

  // "t1 t2 ... tN".
  static TokenText Numbered(int count);

  int count() const { return static_cast<int>(ends_.size()); }
  // Tokens from `begin` to before `end`.
  absl::string_view Slice(int begin, int end) const;
  void Truncate(int count);

 private:
  int EndOf(int tokens) const { return tokens == 0 ? 0 : ends_[static_cast<size_t>(tokens) - 1]; }

  std::string text_;
  std::vector<int> ends_;
};

// What one event carries of a call: its id and name, or a piece of its arguments. A token each.
struct CallPiece {
  // From 0: which call of the answer.
  int call = 0;
  // Empty but in the first piece.
  std::string id = {};
  std::string name = {};
  std::string arguments = {};
};

struct Reply {
  int tokens() const { return text.count() + static_cast<int>(calls.size()); }
  bool reports_usage() const { return !directives.faults.no_usage; }
  // From the first token on, when the answer's first `count` tokens, reasoning among them, are
  // generated.
  std::chrono::microseconds GeneratedAfter(int count) const;

  // Answered instead of anything else.
  std::optional<ApiError> error;
  std::optional<std::chrono::milliseconds> retry_after;
  // The request is as it should be: it counts, whatever it is answered.
  bool accepted = false;
  Directives directives;
  bool stream = false;
  bool include_usage = false;
  bool include_obfuscation = false;
  std::string model;
  // The request's body was JSON.
  bool body_is_json = false;
  TokenText reasoning;
  // False: what it thinks is signed, but not shown.
  bool shows_thoughts = true;
  TokenText text;
  // SSE events that carry `text`: event i of n holds tokens [i*T/n, (i+1)*T/n).
  int events = 0;
  // After the text, an event each.
  std::vector<CallPiece> calls;
  // As Directives::finish_reason.
  std::string finish_reason;
  // The one that ended the text; empty: none did.
  std::string stop_sequence;
  std::chrono::milliseconds first_token{0};
  std::chrono::milliseconds interval{0};
  // Tokens a second; 0: as fast as they can be sent.
  int64_t token_rate = 0;
  int64_t prompt_tokens = 0;
  // What may be cached of the prompt, and what it read and wrote.
  std::vector<CachePrefix> prefixes;
  CacheUse cache;
  // The bound that the request sets, else the default one; at most INT32_MAX.
  int64_t max_tokens = 0;
  // FNV-1a over role and text of every message, and over the newest user message alone.
  uint64_t prompt_hash = 0;
  uint64_t newest_hash = 0;
};

// Reads `body` and decides what the answer would be without its faults. Pure; `hash` asks for the
// two hashes, which a reply with calls, thoughts or counted faults has anyway.
Reply PlanReply(absl::string_view body, const Options& options, bool hash,
                const WireFormat& format);

}  // namespace penstock::providersim
