// Whatever a provider sends, streamed or whole, becomes valid UTF-8 text, usage and one end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "libs/http/sse_parser.h"
#include "services/provider_adapter/answer.h"
#include "services/provider_adapter/openai_answer.h"

using penstock::provider_adapter::Answer;
using penstock::provider_adapter::FailureOf;
using penstock::provider_adapter::OpenAiAnswer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  Answer answer("fuzz", {}, 1024);
  OpenAiAnswer parser;
  if (!input.empty() && input.front() == '{') {
    parser.OnDocument(input, answer);
  } else {
    penstock::http::SseParser sse;
    const absl::Status status = sse.Feed(input, [&](const penstock::http::SseEvent& event) {
      parser.OnEvent(event, answer);
      return !answer.ended();
    });
    if (!status.ok()) answer.OnUnusable(penstock::chat::v1::MALFORMED_RESPONSE, "too long");
  }
  answer.Close(FailureOf("fuzz", penstock::chat::v1::STREAM_TRUNCATED, "cut"));
  if (!answer.ended()) std::abort();
  const auto event = answer.TakeEnd(std::nullopt, "");
  // Invalid UTF-8 in a string field would not survive this.
  penstock::provider::v1::GenerateEvent copy;
  if (!copy.ParseFromString(event.SerializeAsString())) std::abort();
  if (copy.has_finished() == copy.has_failed()) std::abort();
  return 0;
}
