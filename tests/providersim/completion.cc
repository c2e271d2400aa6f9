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

std::string Message(const Reply& reply) {
  const std::string text = JsonString(reply.text.Slice(0, reply.text.count()));
  const bool refused = reply.field == "refusal";
  std::string message =
      absl::StrCat(R"({"role":"assistant","content":)", refused ? "null" : text, R"(,"refusal":)",
                   refused ? text : "null", R"(,"annotations":[])");
  if (reply.reasoning.count() > 0) {
    absl::StrAppend(&message, ",\"", reply.directives.reasoning_field,
                    "\":", JsonString(reply.reasoning.Slice(0, reply.reasoning.count())));
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
  Event(out, R"({"role":"assistant","content":"","refusal":null})", "null");
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
                      R"("}],"usage":)", UsageJson(reply, reply.text.count()), "}\n");
}

}  // namespace penstock::providersim
