// What the tests of Generator share: a configuration, the provider's words, and who plays the HTTP
// client and the caller.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "libs/async/one_shot.h"
#include "services/provider_adapter/generate.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::provider_adapter {

inline constexpr char kConfig[] = R"pb(
  turn {
    max_duration { seconds: 600 }
    max_output_bytes: 1024
  }
  stream {
    delta_interval { nanos: 25000000 }
    delta_bytes: 256
  }
  providers {
    name: "sim"
    protocol: "openai"
    base_url: "BASE"
    api_key_env: "KEY"
    connect_timeout { seconds: 5 }
    first_token_timeout { seconds: 60 }
    idle_timeout { seconds: 30 }
    max_streams: 2
    http_version: "auto"
    max_connections: 1
    max_connection_age { seconds: 600 }
    max_answer_bytes: 1048576
  }
  models {
    name: "sim/m"
    price { input: 1 output: 2 }
  }
)pb";

inline config::v1::Config Config(const std::string& base_url) {
  config::v1::Config config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrReplaceAll(kConfig, {{"BASE", base_url}}), &config));
  return config;
}

inline std::optional<std::string> Environment(absl::string_view) { return "sk-1"; }

inline provider::v1::GenerateRequest Request() {
  provider::v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(model: "sim/m"
           turn: "sessions/s/turns/t1"
           attempt: 2
           messages {
             role: USER
             parts { text { text: "hi" } }
           })pb",
      &request));
  return request;
}

inline std::string TextChunk(absl::string_view text) {
  return absl::StrCat(R"(data: {"choices":[{"index":0,"delta":{"content":")", text, "\"}}]}\n\n");
}
inline constexpr char kFinish[] =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
inline constexpr char kUsage[] =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20}}\n\n";
inline constexpr char kDone[] = "data: [DONE]\n\n";

inline http::HttpHeaders Headers(std::initializer_list<absl::string_view> lines) {
  http::HttpHeaders headers;
  for (const absl::string_view line : lines) headers.Append(absl::StrCat(line, "\r\n"));
  return headers;
}

// Hands each request to the test, which plays the provider.
class FakeHttpClient : public http::HttpStreamClient {
 public:
  struct Call {
    http::HttpRequest request;
    std::shared_ptr<http::HttpObserver> observer;
    bool cancelled = false;
  };

  http::HttpCallId Start(http::HttpRequest request,
                         std::shared_ptr<http::HttpObserver> observer) override {
    calls.push_back({.request = std::move(request), .observer = std::move(observer)});
    return static_cast<http::HttpCallId>(calls.size());
  }
  void Cancel(http::HttpCallId call) override {
    calls.at(static_cast<size_t>(call - 1)).cancelled = true;
  }

  std::vector<Call> calls;
};

// Keeps "STARTED req", "DELTA text", "FINISHED text", "FAILED KIND". Blocks while `gate` is given.
class FakeSink : public EventSink {
 public:
  Awaitable<absl::Status> Write(provider::v1::GenerateEventBatch batch) override {
    for (provider::v1::GenerateEvent& event : *batch.mutable_events()) {
      lines.push_back(Line(event));
      events.push_back(std::move(event));
    }
    if (gate != nullptr) co_await std::exchange(gate, nullptr)->Wait();
    co_return status;
  }

  std::vector<std::string> lines;
  std::vector<provider::v1::GenerateEvent> events;
  absl::Status status;
  OneShot<bool>* gate = nullptr;

 private:
  static std::string Line(const provider::v1::GenerateEvent& event) {
    switch (event.event_case()) {
      case provider::v1::GenerateEvent::kStarted:
        return absl::StrCat("STARTED ", event.started().provider_request_id());
      case provider::v1::GenerateEvent::kDelta:
        return absl::StrCat("DELTA ", event.delta().text());
      case provider::v1::GenerateEvent::kFinished: {
        const auto& message = event.finished().message();
        return absl::StrCat("FINISHED ",
                            message.parts_size() > 0 ? message.parts(0).text().text() : "");
      }
      case provider::v1::GenerateEvent::kFailed:
        return absl::StrCat("FAILED ", chat::v1::ErrorKind_Name(event.failed().kind()));
      default:
        return "?";
    }
  }
};

inline Awaitable<void> RunCall(Generator& generator, const provider::v1::GenerateRequest& request,
                               EventSink& sink, std::stop_token stop,
                               std::optional<absl::Status>& result) {
  result = co_await generator.Generate(request, sink, stop);
}

}  // namespace penstock::provider_adapter
