#include "tests/providersim/reply.h"

#include <algorithm>

#include <boost/json/monotonic_resource.hpp>

#include "tests/providersim/answer.h"
#include "tests/providersim/chat_request.h"
#include "tests/providersim/tool_answer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

constexpr absl::string_view kThoughts = "Let me think about that.";
constexpr absl::string_view kRefusal = "I cannot help with that.";

uint64_t Fnv(uint64_t hash, absl::string_view bytes) {
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

uint64_t HashOf(uint64_t hash, const ChatMessage& message) {
  hash = Fnv(hash, message.role);
  for (absl::string_view part : message.parts) hash = Fnv(Fnv(hash, "\n"), part);
  for (const CalledTool& call : message.calls) {
    hash = Fnv(Fnv(hash, "\n"), call.name);
    hash = Fnv(Fnv(hash, "\n"), call.arguments);
  }
  return hash;
}

void Hash(const ChatRequest& request, Reply& reply) {
  constexpr uint64_t kBasis = 0xcbf29ce484222325;
  reply.prompt_hash = kBasis;
  for (const ChatMessage& message : request.messages) {
    reply.prompt_hash = HashOf(reply.prompt_hash, message);
  }
  if (const ChatMessage* newest = request.NewestUserMessage()) {
    reply.newest_hash = HashOf(kBasis, *newest);
  }
}

std::optional<ApiError> CheckModel(absl::string_view model, const Options& options) {
  const auto& models = options.models;
  if (models.empty() || std::find(models.begin(), models.end(), model) != models.end()) {
    return std::nullopt;
  }
  return ApiError{.status = 404,
                  .message = absl::StrCat("The model `", model,
                                          "` does not exist or you do not have access to it."),
                  .code = "model_not_found"};
}

std::string CutAtStop(std::string text, const std::vector<absl::string_view>& stop) {
  for (absl::string_view sequence : stop) {
    const size_t at =
        sequence.empty() ? std::string::npos : text.find(sequence.data(), 0, sequence.size());
    if (at != std::string::npos) text.resize(at);
  }
  return text;
}

TokenText TextOf(const ChatRequest& request, absl::string_view notes, const Directives& directives,
                 const Options& options, bool calls) {
  if (directives.refusal) return TokenText(std::string(kRefusal));
  const int tokens = directives.tokens.value_or(options.tokens);
  if (directives.tokens.has_value() || (tokens > 0 && !calls)) return TokenText::Numbered(tokens);
  if (calls) return TokenText();
  if (std::string told = AnswerFromResults(request); !told.empty()) {
    return TokenText(CutAtStop(std::move(told), request.stop));
  }
  return TokenText(CutAtStop(AnswerFromContext(request, notes, directives.said), request.stop));
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

// The ids are those of the prompt: the same request is answered with the same ones, another step
// of the turn with others.
std::vector<CallPiece> PiecesOf(const std::vector<SimulatedCall>& calls, int pieces,
                                uint64_t prompt_hash) {
  std::vector<CallPiece> all;
  for (int call = 0; call < static_cast<int>(calls.size()); ++call) {
    const SimulatedCall& made = calls[static_cast<size_t>(call)];
    all.push_back({.call = call,
                   .id = absl::StrCat("call_", absl::Hex(prompt_hash, absl::kZeroPad16), call),
                   .name = made.name});
    for (std::string& piece : Split(made.arguments, pieces)) {
      all.push_back({.call = call, .arguments = std::move(piece)});
    }
  }
  return all;
}

void Write(const ChatRequest& request, absl::string_view notes, const Options& options,
           Reply& reply) {
  const Directives& directives = reply.directives;
  const auto calls =
      directives.refusal ? std::vector<SimulatedCall>() : CallsOf(request, directives);
  if (!calls.empty()) {
    Hash(request, reply);
    reply.calls = PiecesOf(calls, directives.pieces, reply.prompt_hash);
  }
  reply.text = TextOf(request, notes, directives, options, !calls.empty());
  reply.finish_reason = !directives.finish_reason.empty() ? directives.finish_reason
                        : calls.empty()                   ? "stop"
                                                          : "tool_calls";
  if (directives.refusal) reply.field = "refusal";
  if (!directives.reasoning_field.empty()) reply.reasoning = TokenText(std::string(kThoughts));
  const int64_t room =
      std::max<int64_t>(0, request.max_tokens.value_or(INT32_MAX) - reply.reasoning.count());
  if (reply.text.count() > room) {
    reply.text.Truncate(static_cast<int>(room));
    reply.finish_reason = "length";
  }
  if (reply.tokens() > room) {
    reply.calls.resize(static_cast<size_t>(room - reply.text.count()));
    reply.finish_reason = "length";
  }
  const int events = directives.events.value_or(options.events);
  reply.events = events > 0 ? std::min(events, reply.text.count()) : reply.text.count();
  if (!directives.gate.empty()) reply.events = reply.text.count();
}

// The directives, or the refusal of a misspelt one.
void Steer(const ChatRequest& request, const Options& options, Reply& reply) {
  const NewestMessage newest = request.Newest();
  auto directives = ParseDirectives(newest.said);
  if (!directives.ok()) {
    reply.error = ApiError{.message = std::string(directives.status().message()),
                           .param = "messages",
                           .code = "unknown_sim_directive"};
    return;
  }
  reply.directives = *std::move(directives);
  reply.first_token = reply.directives.first_token.value_or(options.first_token);
  reply.interval = reply.directives.interval.value_or(options.token_interval);
  reply.token_rate = options.token_rate;
  reply.accepted = true;
  if (reply.directives.status != 0) {
    reply.error = ErrorOfStatus(reply.directives.status, reply.directives.code);
    reply.retry_after = reply.directives.retry_after;
    return;
  }
  if (!reply.stream && reply.directives.fault == Fault::kInBandError) {
    reply.error = ErrorOfStatus(500, "");
    return;
  }
  Write(request, newest.notes, options, reply);
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

Reply PlanReply(absl::string_view body, const Options& options, bool hash) {
  unsigned char memory[64 * 1024];
  boost::json::monotonic_resource resource(memory, sizeof(memory));
  boost::json::value document(&resource);
  ChatRequest request;
  Reply reply;
  reply.error = ReadChatRequest(body, document, request);
  reply.body_is_json = !document.is_null();
  if (reply.error) return reply;
  reply.stream = request.stream;
  reply.include_usage = request.include_usage;
  reply.include_obfuscation = request.include_obfuscation;
  reply.model = std::string(request.model);
  reply.prompt_tokens = request.PromptTokens();
  reply.max_tokens =
      std::min<int64_t>(request.max_tokens.value_or(options.limits.default_max_tokens), INT32_MAX);
  reply.error = CheckModel(request.model, options);
  if (!reply.error) Steer(request, options, reply);
  const bool repeats = reply.directives.fail_first > 0 && reply.directives.key.empty();
  if (hash || repeats) Hash(request, reply);
  if (repeats) reply.directives.key = absl::StrCat(absl::Hex(reply.prompt_hash));
  return reply;
}

}  // namespace penstock::providersim
