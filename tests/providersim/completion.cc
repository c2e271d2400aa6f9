#include "tests/providersim/completion.h"

#include "tests/providersim/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
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
  const bool refused = reply.field == "refusal";
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

ChunkWriter::ChunkWriter(const Reply& reply, absl::string_view id, int64_t created)
    : reply_(reply),
      head_(absl::StrCat("data: {\"id\":\"", id, R"(","object":"chat.completion.chunk","created":)",
                         created, ",\"model\":", JsonString(reply.model), ",", kFingerprint,
                         "\"choices\":")),
      tail_(reply.include_usage ? ",\"usage\":null" : "") {}

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

void ChunkWriter::Role(std::string& out) const {
  const bool silent = reply_.text.count() == 0 && !reply_.calls.empty();
  Event(out,
        absl::StrCat(R"({"role":"assistant","content":)", silent ? "null" : "\"\"",
                     R"(,"refusal":null})"),
        "null");
}

void ChunkWriter::Call(std::string& out, const CallPiece& piece) const {
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

void ChunkWriter::Finish(std::string& out, absl::string_view reason) const {
  Event(out, "{}", absl::StrCat("\"", reason, "\""));
}

void ChunkWriter::Usage(std::string& out, int sent_tokens) const {
  absl::StrAppend(&out, head_, "[],\"usage\":", UsageJson(reply_, sent_tokens), "}\n\n");
}

void ChunkWriter::Error(std::string& out) {
  absl::StrAppend(&out,
                  R"(data: {"error":{"message":"The server had an error processing your request. )"
                  R"(Sorry about that!","type":"server_error","param":null,"code":null}})",
                  "\n\n");
}

void ChunkWriter::Malformed(std::string& out) {
  out += "data: {\"id\": \"chatcmpl-broken\", \"choi\n\n";
}

void ChunkWriter::Done(std::string& out) { out += "data: [DONE]\n\n"; }

std::string RenderCompletion(const Reply& reply, absl::string_view id, int64_t created) {
  return absl::StrCat("{\"id\":\"", id, R"(","object":"chat.completion","created":)", created,
                      ",\"model\":", JsonString(reply.model), ",", kFingerprint,
                      R"("choices":[{"index":0,"message":)", Message(reply),
                      R"(,"logprobs":null,"finish_reason":")", reply.finish_reason,
                      R"("}],"usage":)", UsageJson(reply, reply.tokens()), "}\n");
}

}  // namespace penstock::providersim
