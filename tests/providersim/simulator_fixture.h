// A providersim in the test's own process, asked over real sockets.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "libs/base/fake_clock.h"
#include "tests/providersim/json_text.h"
#include "tests/providersim/raw_client.h"
#include "tests/providersim/server.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {

// A request that says one thing.
inline std::string Body(absl::string_view said, absl::string_view more = R"(,"stream":true)") {
  return absl::StrCat(R"({"model":"sim","messages":[{"role":"user","content":)", JsonString(said),
                      "}]", more, "}");
}

// The same in Anthropic's format.
inline std::string MessagesBody(absl::string_view said,
                                absl::string_view more = R"(,"stream":true)") {
  return absl::StrCat(R"({"model":"sim","max_tokens":2048,"messages":[{"role":"user","content":)",
                      JsonString(said), "}]", more, "}");
}

// What stands behind each `field` up to the next quote, joined.
inline std::string Joined(const std::string& stream, const std::string& field) {
  std::string joined;
  for (size_t at = stream.find(field); at != std::string::npos; at = stream.find(field, at)) {
    at += field.size();
    joined += stream.substr(at, stream.find('"', at) - at);
  }
  return joined;
}

// The text of the content deltas.
inline std::string ContentOf(const std::string& stream) {
  return Joined(stream, R"("delta":{"content":")");
}
inline std::string MessageTextOf(const std::string& stream) {
  return Joined(stream, R"("delta":{"type":"text_delta","text":")");
}

class ProvidersimTest : public testing::Test {
 protected:
  void Start(Options options) {
    if (options.listen == Options().listen) options.listen = "127.0.0.1:0";
    auto opened = Server::Open(std::move(options), clock_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    server_ = *std::move(opened);
    thread_ = std::thread([this] { server_->Run(); });
  }

  void Stop() {
    if (server_ == nullptr) return;
    server_->Stop();
    thread_.join();
    server_.reset();
  }

  void TearDown() override { Stop(); }

  RawClient Client() { return RawClient(server_->address()); }

  std::string Get(absl::string_view target) {
    RawClient client = Client();
    client.Send("GET", target, "");
    return client.ReadAnswer();
  }

  std::string Post(absl::string_view target, absl::string_view body) {
    RawClient client = Client();
    client.Send("POST", target, body);
    return client.ReadAnswer();
  }

  std::string Chat(absl::string_view body) {
    RawClient client = Client();
    client.SendChat(body);
    return client.ReadAnswer();
  }

  std::string Messages(absl::string_view body, absl::string_view headers = "") {
    RawClient client = Client();
    client.SendMessages(body, headers);
    return client.ReadAnswer();
  }

  void Acknowledge(absl::string_view gate, int count) {
    Post(absl::StrCat("/_sim/gates/", gate), absl::StrCat("{\"acknowledged\": ", count, "}"));
  }

  // Asks until the answer holds `wanted`: what it waits for is under way.
  std::string GetUntil(absl::string_view target, const std::string& wanted) {
    RawClient client = Client();
    for (;;) {
      client.Send("GET", target, "");
      std::string answer = client.ReadAnswer();
      if (answer.find(wanted) != std::string::npos) return answer;
    }
  }

  // Of the limits.
  FakeClock clock_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace penstock::providersim
