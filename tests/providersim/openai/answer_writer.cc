#include "tests/providersim/openai/answer_writer.h"

#include <algorithm>
#include <utility>

#include "tests/providersim/json_text.h"
#include "tests/providersim/openai/error.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::openai {
namespace {

constexpr absl::string_view kFingerprint =
    R"("service_tier":"default","system_fingerprint":"fp_providersim",)";
constexpr absl::string_view kFiller = "abcdefghijklmnop";

std::string UsageJson(const Reply& reply, int sent_tokens) {
  const int64_t thought = reply.reasoning.count();
  const int64_t output = thought + sent_tokens;
  const int64_t cached = std::min<int64_t>(reply.directives.cached_tokens, reply.prompt_tokens);
  return absl::StrCat(
      R"({"prompt_tokens":)", reply.prompt_tokens, R"(,"completion_tokens":)", output,
      R"(,"total_tokens":)", reply.prompt_tokens + output,
      R"(,"prompt_tokens_details":{"cached_tokens":)", cached,
      R"(,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":)", thought,
      R"(,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})");
}

// [{"id":...,"type":"function","function":{"name":...,"arguments":...}}]
std::string CallsJson(const std::vector<CallPiece>& pieces) {
  std::string json;
  for (size_t i = 0; i < pieces.size();) {
    const CallPiece& first = pieces[i];
    std::string arguments;
    for (; i < pieces.size() && pieces[i].call == first.call; ++i) arguments += pieces[i].arguments;
    absl::StrAppend(&json, json.empty() ? "[" : ",", R"({"id":)", JsonString(first.id),
                    R"(,"type":"function","function":{"name":)", JsonString(first.name),
                    R"(,"arguments":)", JsonString(arguments), "}}");
  }
  return json + "]";
}

std::string Message(const Reply& reply) {
  const bool silent = reply.text.count() == 0 && !reply.calls.empty();
  const std::string text = silent ? "null" : JsonString(reply.text.Slice(0, reply.text.count()));
  const bool refused = reply.directives.refusal;
  std::string message =
      absl::StrCat(R"({"role":"assistant","content":)", refused ? "null" : text, R"(,"refusal":)",
                   refused ? text : "null", R"(,"annotations":[])");
  if (reply.reasoning.count() > 0) {
    absl::StrAppend(&message, ",\"", reply.directives.reasoning_field,
                    "\":", JsonString(reply.reasoning.Slice(0, reply.reasoning.count())));
  }
  if (!reply.calls.empty()) {
    absl::StrAppend(&message, R"(,"tool_calls":)", CallsJson(reply.calls));
  }
  return message + "}";
}

}  // namespace

ChunkWriter::ChunkWriter(const Reply& reply, std::string id, int64_t created)
    : reply_(reply),
      id_(std::move(id)),
      created_(created),
      head_(absl::StrCat(
          "data: {\"id\":\"", id_, R"(","object":"chat.completion.chunk","created":)", created,
          ",\"model\":", JsonString(reply.model), ",", kFingerprint, "\"choices\":")),
      tail_(reply.reports_usage() && reply.include_usage ? ",\"usage\":null" : "") {}

void ChunkWriter::Event(std::string& out, absl::string_view delta, absl::string_view finish) const {
  out += head_;
  absl::StrAppend(&out, R"([{"index":0,"delta":)", delta, R"(,"logprobs":null,"finish_reason":)",
                  finish, "}]", tail_);
  if (reply_.include_obfuscation) {
    absl::StrAppend(&out, R"(,"obfuscation":")", kFiller.substr(delta.size() % kFiller.size()),
                    "\"");
  }
  out += "}\n\n";
}

void ChunkWriter::Begin(std::string& out) {
  const bool silent = reply_.text.count() == 0 && !reply_.calls.empty();
  Event(out,
        absl::StrCat(R"({"role":"assistant","content":)", silent ? "null" : "\"\"",
                     R"(,"refusal":null})"),
        "null");
}

void ChunkWriter::Thought(std::string& out, absl::string_view text) {
  Delta(out, reply_.directives.reasoning_field, text);
}

void ChunkWriter::Text(std::string& out, absl::string_view text) {
  Delta(out, reply_.directives.refusal ? "refusal" : "content", text);
}

void ChunkWriter::Call(std::string& out, const CallPiece& piece) {
  std::string delta = absl::StrCat(R"({"tool_calls":[{"index":)", piece.call);
  if (!piece.id.empty()) {
    absl::StrAppend(&delta, R"(,"id":)", JsonString(piece.id), R"(,"type":"function","function":)",
                    R"({"name":)", JsonString(piece.name), R"(,"arguments":""}}]})");
  } else {
    absl::StrAppend(&delta, R"(,"function":{"arguments":)", JsonString(piece.arguments), "}}]}");
  }
  Event(out, delta, "null");
}

void ChunkWriter::Delta(std::string& out, absl::string_view field, absl::string_view text) const {
  out += head_;
  absl::StrAppend(&out, R"([{"index":0,"delta":{")", field, R"(":")");
  AppendEscaped(out, text);
  absl::StrAppend(&out, R"("},"logprobs":null,"finish_reason":null}])", tail_);
  if (reply_.include_obfuscation) {
    absl::StrAppend(&out, R"(,"obfuscation":")", kFiller.substr(text.size() % kFiller.size()),
                    "\"");
  }
  out += "}\n\n";
}

void ChunkWriter::Finish(std::string& out, int sent_tokens) {
  Event(out, "{}", absl::StrCat("\"", reply_.finish_reason, "\""));
  if (reply_.include_usage && reply_.reports_usage()) {
    absl::StrAppend(&out, head_, "[],\"usage\":", UsageJson(reply_, sent_tokens), "}\n\n");
  }
  EndMarker(out);
}

void ChunkWriter::EndMarker(std::string& out) const { out += "data: [DONE]\n\n"; }

void ChunkWriter::Error(std::string& out, const ApiError& error) const {
  absl::StrAppend(&out, "data: ", RenderErrorLine(error), "\n\n");
}

void ChunkWriter::MalformedJson(std::string& out) const {
  out += "data: {\"id\": \"chatcmpl-broken\", \"choi\n\n";
}

void ChunkWriter::MalformedShape(std::string& out) const {
  absl::StrAppend(&out, head_, R"({"0":{"delta":["broken"]}}})", "\n\n");
}

void ChunkWriter::LongLine(std::string& out, int64_t bytes) const {
  absl::StrAppend(&out, head_, R"([{"index":0,"delta":{},"logprobs":null,"finish_reason":null}])",
                  tail_, R"(,"padding":")");
  out.append(static_cast<size_t>(bytes), 'x');
  out += "\"}\n\n";
}

std::string ChunkWriter::Whole() const {
  std::string body =
      absl::StrCat("{\"id\":\"", id_, R"(","object":"chat.completion","created":)", created_,
                   ",\"model\":", JsonString(reply_.model), ",", kFingerprint,
                   R"("choices":[{"index":0,"message":)", Message(reply_),
                   R"(,"logprobs":null,"finish_reason":")", reply_.finish_reason, R"("}])");
  if (reply_.reports_usage()) {
    absl::StrAppend(&body, R"(,"usage":)", UsageJson(reply_, reply_.tokens()));
  }
  return body + "}\n";
}

}  // namespace penstock::providersim::openai
