#include "tests/providersim/anthropic/answer_writer.h"

#include <algorithm>
#include <utility>

#include <boost/json/parse.hpp>

#include "tests/providersim/anthropic/error.h"
#include "tests/providersim/anthropic/thoughts.h"
#include "tests/providersim/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

void Event(std::string& out, absl::string_view name, absl::string_view fields) {
  absl::StrAppend(&out, "event: ", name, "\ndata: {\"type\":\"", name, "\"", fields, "}\n\n");
}

absl::string_view StopReason(const Reply& reply) {
  if (reply.directives.refusal || reply.finish_reason == "content_filter") return "refusal";
  if (reply.finish_reason == "length") return "max_tokens";
  if (reply.finish_reason == "tool_calls") return "tool_use";
  if (reply.finish_reason != "stop") return reply.finish_reason;
  return reply.stop_sequence.empty() ? "end_turn" : "stop_sequence";
}

// "stop_reason":...,"stop_sequence":...,"stop_details":...
std::string StopFields(const Reply& reply) {
  const absl::string_view reason = StopReason(reply);
  const bool refused = reason == "refusal";
  return absl::StrCat(
      R"("stop_reason":")", reason, R"(","stop_sequence":)",
      reason == "stop_sequence" ? JsonString(reply.stop_sequence) : "null", R"(,"stop_details":)",
      refused ? R"({"type":"refusal","category":null,"explanation":"I cannot help with that."})"
              : "null");
}

// A directive may say what was read from the cache.
CacheUse CacheOf(const Reply& reply) {
  if (reply.directives.cached_tokens == 0) return reply.cache;
  return {.read = std::min<int64_t>(reply.directives.cached_tokens, reply.prompt_tokens)};
}

// Input without what was read from the cache or written to it. Output is that of so far.
std::string UsageJson(const Reply& reply, int64_t output_tokens, int64_t thinking_tokens) {
  const CacheUse cache = CacheOf(reply);
  const int64_t written = cache.written_5m + cache.written_1h;
  return absl::StrCat(
      R"({"input_tokens":)", reply.prompt_tokens - cache.read - written,
      R"(,"cache_creation_input_tokens":)", written, R"(,"cache_read_input_tokens":)", cache.read,
      R"(,"cache_creation":{"ephemeral_5m_input_tokens":)", cache.written_5m,
      R"(,"ephemeral_1h_input_tokens":)", cache.written_1h, R"(},"output_tokens":)", output_tokens,
      R"(,"output_tokens_details":{"thinking_tokens":)", thinking_tokens,
      R"(},"server_tool_use":null,"service_tier":"standard","inference_geo":"not_available"})");
}

// An object as it stands. Anything else is no input of a tool_use block, so it is wrapped.
std::string InputJson(const std::string& arguments) {
  boost::json::error_code failed;
  const boost::json::value value = boost::json::parse(arguments, failed);
  if (!failed && value.is_object()) return arguments;
  return absl::StrCat(R"({"INVALID_JSON":)", JsonString(arguments), "}");
}

void AppendCalls(std::string& content, const std::vector<CallPiece>& pieces) {
  for (size_t i = 0; i < pieces.size();) {
    const CallPiece& first = pieces[i];
    std::string arguments;
    for (; i < pieces.size() && pieces[i].call == first.call; ++i) arguments += pieces[i].arguments;
    absl::StrAppend(&content, content.empty() ? "" : ",", R"({"type":"tool_use","id":)",
                    JsonString(first.id), R"(,"name":)", JsonString(first.name), R"(,"input":)",
                    arguments.empty() ? "{}" : InputJson(arguments), "}");
  }
}

}  // namespace

MessageWriter::MessageWriter(const Reply& reply, std::string id)
    : reply_(reply), id_(std::move(id)) {}

std::string MessageWriter::MessageHead() const {
  return absl::StrCat(R"({"id":")", id_, R"(","type":"message","role":"assistant","model":)",
                      JsonString(reply_.model));
}

void MessageWriter::Begin(std::string& out) {
  std::string message =
      absl::StrCat(MessageHead(),
                   R"(,"content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null)");
  if (reply_.reports_usage()) {
    const int64_t begun = std::min(1, reply_.reasoning.count() + reply_.tokens());
    absl::StrAppend(&message, R"(,"usage":)", UsageJson(reply_, begun, 0));
  }
  Event(out, "message_start", absl::StrCat(R"(,"message":)", message, "}"));
  Event(out, "ping", "");
}

void MessageWriter::Open(std::string& out, Block block, absl::string_view content) {
  Close(out);
  Event(out, "content_block_start",
        absl::StrCat(R"(,"index":)", blocks_, R"(,"content_block":)", content));
  open_ = block;
}

void MessageWriter::Close(std::string& out) {
  if (open_ == Block::kNone) return;
  if (open_ == Block::kThinking) Delta(out, "signature_delta", "signature", Signature());
  Event(out, "content_block_stop", absl::StrCat(R"(,"index":)", blocks_));
  open_ = Block::kNone;
  ++blocks_;
}

void MessageWriter::Delta(std::string& out, absl::string_view type, absl::string_view field,
                          absl::string_view text) const {
  absl::StrAppend(&out, R"(event: content_block_delta)", "\n",
                  R"(data: {"type":"content_block_delta","index":)", blocks_,
                  R"(,"delta":{"type":")", type, R"(",")", field, R"(":")");
  AppendEscaped(out, text);
  out += "\"}}\n\n";
}

std::string MessageWriter::Signature() const {
  const absl::string_view shown =
      reply_.shows_thoughts ? reply_.reasoning.Slice(0, reply_.reasoning.count()) : "";
  return SignatureOf(reply_.prompt_hash, shown);
}

void MessageWriter::Thought(std::string& out, absl::string_view text) {
  if (open_ != Block::kThinking) {
    Open(out, Block::kThinking, R"({"type":"thinking","thinking":"","signature":""})");
  }
  if (reply_.shows_thoughts) Delta(out, "thinking_delta", "thinking", text);
}

void MessageWriter::Redacted(std::string& out) {
  if (!reply_.directives.redacted || std::exchange(redacted_written_, true)) return;
  Open(out, Block::kText,
       absl::StrCat(R"({"type":"redacted_thinking","data":")", RedactedOf(reply_.prompt_hash),
                    R"("})"));
  Close(out);
}

void MessageWriter::ToText(std::string& out) {
  if (open_ == Block::kText) return;
  Redacted(out);
  Open(out, Block::kText, R"({"type":"text","text":""})");
}

void MessageWriter::Text(std::string& out, absl::string_view text) {
  ToText(out);
  Delta(out, "text_delta", "text", text);
}

void MessageWriter::Call(std::string& out, const CallPiece& piece) {
  if (!piece.id.empty()) {
    Redacted(out);
    Open(out, Block::kCall,
         absl::StrCat(R"({"type":"tool_use","id":)", JsonString(piece.id), R"(,"name":)",
                      JsonString(piece.name), R"(,"input":{}})"));
  }
  Delta(out, "input_json_delta", "partial_json", piece.arguments);
}

void MessageWriter::Finish(std::string& out, int sent_tokens) {
  if (!reply_.directives.refusal) Redacted(out);
  Close(out);
  std::string fields = absl::StrCat(R"(,"delta":{)", StopFields(reply_), "}");
  if (reply_.reports_usage()) {
    const int64_t thought = reply_.reasoning.count();
    absl::StrAppend(&fields, R"(,"usage":)", UsageJson(reply_, thought + sent_tokens, thought));
  }
  Event(out, "message_delta", fields);
  EndMarker(out);
}

void MessageWriter::EndMarker(std::string& out) const { Event(out, "message_stop", ""); }

void MessageWriter::Error(std::string& out, const ApiError& error) const {
  absl::StrAppend(&out, "event: error\ndata: ",
                  RenderError(error, absl::StrCat("req_", id_.substr(id_.find('_') + 1))), "\n\n");
}

void MessageWriter::MalformedJson(std::string& out) const {
  out += "event: content_block_delta\ndata: {\"type\": \"content_block_delta\", \"ind\n\n";
}

void MessageWriter::MalformedShape(std::string& out) const {
  Event(out, "content_block_delta", R"(,"index":"first","delta":["broken"])");
}

void MessageWriter::LongLine(std::string& out, int64_t bytes) const {
  Event(out, "ping",
        absl::StrCat(R"(,"padding":")", std::string(static_cast<size_t>(bytes), 'x'), "\""));
}

std::string MessageWriter::Whole() const {
  std::string content;
  const absl::string_view thoughts = reply_.reasoning.Slice(0, reply_.reasoning.count());
  if (!thoughts.empty()) {
    absl::StrAppend(&content, R"({"type":"thinking","thinking":)",
                    JsonString(reply_.shows_thoughts ? thoughts : ""), R"(,"signature":")",
                    Signature(), R"("})");
  }
  if (reply_.directives.redacted && !reply_.directives.refusal) {
    absl::StrAppend(&content, content.empty() ? "" : ",", R"({"type":"redacted_thinking","data":")",
                    RedactedOf(reply_.prompt_hash), R"("})");
  }
  if (reply_.text.count() > 0) {
    absl::StrAppend(&content, content.empty() ? "" : ",", R"({"type":"text","text":)",
                    JsonString(reply_.text.Slice(0, reply_.text.count())), "}");
  }
  AppendCalls(content, reply_.calls);
  std::string body =
      absl::StrCat(MessageHead(), R"(,"content":[)", content, "],", StopFields(reply_));
  if (reply_.reports_usage()) {
    const int64_t thought = reply_.reasoning.count();
    absl::StrAppend(&body, R"(,"usage":)", UsageJson(reply_, thought + reply_.tokens(), thought));
  }
  return body + "}";
}

}  // namespace penstock::providersim::anthropic
