#include "tests/providersim/reply.h"

#include <algorithm>
#include <utility>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>

#include "tests/providersim/answer.h"
#include "tests/providersim/fnv.h"
#include "tests/providersim/prompt.h"
#include "tests/providersim/tool_answer.h"
#include "tests/providersim/wire_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

constexpr absl::string_view kThoughts = "Let me think about that.";
constexpr absl::string_view kRefusal = "I cannot help with that.";

uint64_t HashOf(uint64_t hash, const PromptMessage& message) {
  hash = Fnv(hash, message.role);
  for (absl::string_view part : message.parts) hash = Fnv(Fnv(hash, "\n"), part);
  for (const CalledTool& call : message.calls) {
    hash = Fnv(Fnv(hash, "\n"), call.name);
    hash = Fnv(Fnv(hash, "\n"), call.arguments);
  }
  return hash;
}

void Hash(const Prompt& prompt, Reply& reply) {
  reply.prompt_hash = kFnvBasis;
  for (const PromptMessage& message : prompt.messages) {
    reply.prompt_hash = HashOf(reply.prompt_hash, message);
  }
  if (const PromptMessage* newest = prompt.NewestUserMessage()) {
    reply.newest_hash = HashOf(kFnvBasis, *newest);
  }
}

bool IsKnown(absl::string_view model, const Options& options) {
  const auto& models = options.models;
  return models.empty() || std::find(models.begin(), models.end(), model) != models.end();
}

// `text` before the first of the sequences that it holds, which is left in `reply`.
std::string CutAtStop(std::string text, const std::vector<absl::string_view>& stop, Reply& reply) {
  for (absl::string_view sequence : stop) {
    const size_t at =
        sequence.empty() ? std::string::npos : text.find(sequence.data(), 0, sequence.size());
    if (at == std::string::npos) continue;
    text.resize(at);
    reply.stop_sequence = std::string(sequence);
  }
  return text;
}

TokenText TextOf(const Prompt& prompt, absl::string_view notes, const Options& options, bool calls,
                 Reply& reply) {
  const Directives& directives = reply.directives;
  const int tokens = directives.tokens.value_or(options.tokens);
  if (directives.tokens.has_value() || (tokens > 0 && !calls)) return TokenText::Numbered(tokens);
  if (calls) return TokenText();
  std::string told = AnswerFromResults(prompt);
  if (told.empty()) told = AnswerFromContext(prompt, notes, directives.said);
  return TokenText(CutAtStop(std::move(told), prompt.stop, reply));
}

bool ThinksAloud(const Prompt& prompt, const Directives& directives) {
  if (prompt.thinking != Thinking::kWhenDirected) return prompt.thinking == Thinking::kAlways;
  return !directives.reasoning_field.empty();
}

// `text` in at most `count` pieces of whole characters.
std::vector<std::string> Split(absl::string_view text, int count) {
  std::vector<std::string> pieces;
  for (int left = count; left > 0 && !text.empty(); --left) {
    size_t size = (text.size() + static_cast<size_t>(left) - 1) / static_cast<size_t>(left);
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) ++size;
    pieces.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return pieces;
}

std::vector<CallPiece> PiecesOf(const std::vector<SimulatedCall>& calls, const WireFormat& format,
                                const Reply& reply) {
  std::vector<CallPiece> all;
  const bool thought = reply.reasoning.count() > 0;
  for (int call = 0; call < static_cast<int>(calls.size()); ++call) {
    const SimulatedCall& made = calls[static_cast<size_t>(call)];
    all.push_back(
        {.call = call, .id = format.CallId(reply.prompt_hash, thought, call), .name = made.name});
    for (std::string& piece : Split(made.arguments, reply.directives.pieces)) {
      all.push_back({.call = call, .arguments = std::move(piece)});
    }
  }
  return all;
}

// No answer is longer than the request allows; thoughts count.
void CutAtBound(std::optional<int64_t> max_tokens, Reply& reply) {
  const int64_t room =
      std::max<int64_t>(0, max_tokens.value_or(INT32_MAX) - reply.reasoning.count());
  if (reply.tokens() <= room) return;
  reply.finish_reason = "length";
  reply.stop_sequence.clear();
  if (reply.text.count() > room) reply.text.Truncate(static_cast<int>(room));
  reply.calls.resize(static_cast<size_t>(room - reply.text.count()));
}

void Write(const Prompt& prompt, absl::string_view notes, const Options& options,
           const WireFormat& format, Reply& reply) {
  const Directives& directives = reply.directives;
  if (ThinksAloud(prompt, directives)) reply.reasoning = TokenText(std::string(kThoughts));
  reply.shows_thoughts = prompt.shows_thoughts;
  const auto calls =
      directives.refusal ? std::vector<SimulatedCall>() : CallsOf(prompt, directives);
  if (!calls.empty() || reply.reasoning.count() > 0 || directives.redacted) Hash(prompt, reply);
  reply.calls = PiecesOf(calls, format, reply);
  if (!directives.refusal) {
    reply.text = TextOf(prompt, notes, options, !calls.empty(), reply);
  } else if (format.refuses_in_words()) {
    reply.text = TokenText(std::string(kRefusal));
  }
  reply.finish_reason = calls.empty() ? "stop" : "tool_calls";
  CutAtBound(prompt.max_tokens, reply);
  if (!directives.finish_reason.empty()) reply.finish_reason = directives.finish_reason;
  const int events = directives.events.value_or(options.events);
  reply.events = events > 0 ? std::min(events, reply.text.count()) : reply.text.count();
  if (!directives.gate.empty()) reply.events = reply.text.count();
}

// The directives, or the refusal of a misspelt one.
void Steer(const Prompt& prompt, const Options& options, const WireFormat& format, Reply& reply) {
  const NewestMessage newest = prompt.Newest();
  auto directives = ParseDirectives(newest.said);
  if (!directives.ok()) {
    reply.error = ApiError{.message = std::string(directives.status().message()),
                           .param = "messages",
                           .code = "unknown_sim_directive"};
    return;
  }
  reply.directives = *std::move(directives);
  Faults& faults = reply.directives.faults;
  if (!faults.Concern(format.name(), prompt.model)) faults = {};
  reply.first_token = reply.directives.first_token.value_or(options.first_token);
  reply.interval = reply.directives.interval.value_or(options.token_interval);
  reply.token_rate = options.token_rate;
  reply.accepted = true;
  Write(prompt, newest.notes, options, format, reply);
}

}  // namespace

TokenText::TokenText(std::string text) : text_(std::move(text)) {
  const int size = static_cast<int>(text_.size());
  int at = 0;
  while (at < size) {
    while (at < size && absl::ascii_isspace(text_[static_cast<size_t>(at)])) ++at;
    while (at < size && !absl::ascii_isspace(text_[static_cast<size_t>(at)])) ++at;
    ends_.push_back(at);
  }
}

TokenText TokenText::Numbered(int count) {
  TokenText numbered;
  numbered.text_.reserve(static_cast<size_t>(count) * 6);
  numbered.ends_.reserve(static_cast<size_t>(count));
  for (int i = 1; i <= count; ++i) {
    absl::StrAppend(&numbered.text_, i == 1 ? "t" : " t", i);
    numbered.ends_.push_back(static_cast<int>(numbered.text_.size()));
  }
  return numbered;
}

absl::string_view TokenText::Slice(int begin, int end) const {
  const int from = EndOf(begin);
  return absl::string_view(text_).substr(static_cast<size_t>(from),
                                         static_cast<size_t>(EndOf(end) - from));
}

void TokenText::Truncate(int count) {
  text_.resize(static_cast<size_t>(EndOf(count)));
  ends_.resize(static_cast<size_t>(count));
}

std::chrono::microseconds Reply::GeneratedAfter(int count) const {
  if (token_rate == 0 || count == 0) return std::chrono::microseconds(0);
  return std::chrono::microseconds(int64_t{count - 1} * 1'000'000 / token_rate);
}

Reply PlanReply(absl::string_view body, const Options& options, bool hash,
                const WireFormat& format) {
  unsigned char memory[64 * 1024];
  boost::json::monotonic_resource resource(memory, sizeof(memory));
  boost::json::value document(&resource);
  Prompt prompt;
  Reply reply;
  reply.error = format.Read(body, document, prompt);
  reply.body_is_json = !document.is_null();
  if (reply.error) return reply;
  reply.stream = prompt.stream;
  reply.include_usage = prompt.include_usage;
  reply.include_obfuscation = prompt.include_obfuscation;
  reply.model = std::string(prompt.model);
  reply.prompt_tokens = prompt.Tokens();
  reply.prefixes = std::move(prompt.prefixes);
  reply.max_tokens =
      std::min<int64_t>(prompt.max_tokens.value_or(options.limits.default_max_tokens), INT32_MAX);
  if (IsKnown(prompt.model, options)) {
    Steer(prompt, options, format, reply);
  } else {
    reply.error = format.UnknownModel(prompt.model);
  }
  const bool repeats = reply.directives.faults.counted() && reply.directives.key.empty();
  if (hash || repeats) Hash(prompt, reply);
  if (repeats) reply.directives.key = absl::StrCat(absl::Hex(reply.prompt_hash));
  return reply;
}

}  // namespace penstock::providersim
