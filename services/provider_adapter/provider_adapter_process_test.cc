// The service as its callers meet it: grants, gRPC, libcurl and sockets, all real.
#include "services/provider_adapter/provider_adapter_process.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include "libs/host/config_loader.h"
#include "libs/host/runtime.h"
#include "libs/http/loopback_server.h"
#include "libs/identity/grant.h"
#include "libs/identity/testing.h"
#include "libs/rpc/status.h"
#include "penstock/provider/v1/provider_adapter.grpc.pb.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::provider_adapter {
namespace {

using provider::v1::GenerateEvent;
using provider::v1::GenerateEventBatch;
using provider::v1::GenerateRequest;
using testing::HasSubstr;
using testing::Not;

constexpr char kRoot[] = "0123456789abcdef0123456789abcdef";

config::v1::Config Config(const std::string& base_url, const std::string& more = "") {
  auto config = host::ParseConfig(absl::StrCat(R"(
identity:
  grant_root: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
providers:
  - name: sim
    base_url: )",
                                               base_url, "\n    ", more, R"(
models:
  - name: sim/m
agents:
  - id: default
    model: sim/m
)"),
                                  "test.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  return *std::move(config);
}

class ProviderAdapterProcessTest : public testing::Test {
 protected:
  absl::Status Start(config::v1::Config config, std::string endpoint = "") {
    config_ = std::move(config);
    runtime_ = std::make_unique<host::Runtime>("provider-adapter", config_);
    const absl::Status status =
        runtime_->Start([&](const host::Environment& environment)
                            -> absl::StatusOr<std::vector<std::unique_ptr<host::Service>>> {
          auto process = std::make_unique<ProviderAdapterProcess>(environment, endpoint);
          process_ = process.get();
          std::vector<std::unique_ptr<host::Service>> services;
          services.push_back(std::move(process));
          return services;
        });
    if (status.ok()) stub_ = provider::v1::ProviderAdapter::NewStub(process_->InProcessChannel());
    return status;
  }

  void Grant(grpc::ClientContext& context, absl::string_view audience) {
    identity::GrantMinter minter(kRoot);
    context.AddMetadata(
        std::string(identity::kGrantMetadata),
        minter.Mint(audience, identity::PrincipalForTest("t", "u"), "t1", SystemClock().Now()));
  }

  static GenerateRequest Request() {
    GenerateRequest request;
    request.set_model("sim/m");
    auto& message = *request.add_messages();
    message.set_role(chat::v1::USER);
    message.add_parts()->mutable_text()->set_text("hi");
    return request;
  }

  // One call: every event in words, and the status.
  std::string Call() {
    grpc::ClientContext context;
    Grant(context, identity::kProviderAdapterAudience);
    const auto stream = stub_->Generate(&context, Request());
    std::string told;
    GenerateEventBatch batch;
    while (stream->Read(&batch)) told += batch.DebugString();
    return told + stream->Finish().error_message();
  }

  config::v1::Config config_;
  std::unique_ptr<host::Runtime> runtime_;
  ProviderAdapterProcess* process_ = nullptr;
  std::unique_ptr<provider::v1::ProviderAdapter::Stub> stub_;
};

std::string TextChunk(absl::string_view text) {
  return absl::StrCat(R"(data: {"choices":[{"index":0,"delta":{"content":")", text, "\"}}]}\n\n");
}

TEST_F(ProviderAdapterProcessTest, StreamsAnAnswerFromSocketToCaller) {
  http::LoopbackServer server([](http::LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "Content-Type: text/event-stream\r\nx-request-id: r1\r\n");
    co_await exchange.Chunk(TextChunk("Hel"));
    co_await exchange.Chunk(TextChunk("lo"));
    co_await exchange.Chunk(
        "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    co_await exchange.EndChunks();
  });
  ASSERT_TRUE(Start(Config(server.Url("/v1"))).ok());

  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    Grant(context, identity::kProviderAdapterAudience);
    const auto stream = stub_->Generate(&context, Request());
    std::vector<GenerateEvent> events;
    GenerateEventBatch batch;
    while (stream->Read(&batch)) {
      events.insert(events.end(), batch.events().begin(), batch.events().end());
    }

    ASSERT_GE(events.size(), 3u);
    EXPECT_EQ(events.front().started().provider_request_id(), "r1");
    std::string deltas;
    for (const GenerateEvent& event : events) deltas += event.delta().text();
    EXPECT_EQ(deltas, "Hello");
    EXPECT_EQ(events.back().finished().message().parts(0).text().text(), "Hello");
    EXPECT_TRUE(stream->Finish().ok());
  }
  // The next call may begin before the connection of the last one is back.
  EXPECT_LE(server.connections(), 2);
}

TEST_F(ProviderAdapterProcessTest, RefusesACallWithoutItsOwnGrant) {
  ASSERT_TRUE(Start(Config("http://127.0.0.1:1/v1")).ok());
  grpc::ClientContext none;
  grpc::ClientContext other;
  Grant(other, identity::kMemoryRecallAudience);

  EXPECT_EQ(stub_->Generate(&none, Request())->Finish().error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(stub_->Generate(&other, Request())->Finish().error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(ProviderAdapterProcessTest, CancellingTheCallClosesTheProvidersConnection) {
  std::promise<void> closed;
  http::LoopbackServer server([&](http::LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.Chunk(TextChunk("Half"));
    co_await exchange.WaitForClose();
    closed.set_value();
  });
  ASSERT_TRUE(Start(Config(server.Url("/v1"))).ok());
  grpc::ClientContext context;
  Grant(context, identity::kProviderAdapterAudience);

  const auto stream = stub_->Generate(&context, Request());
  GenerateEventBatch batch;
  ASSERT_TRUE(stream->Read(&batch));
  context.TryCancel();

  closed.get_future().wait();
  while (stream->Read(&batch)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ProviderAdapterProcessTest, StopsWithStreamsOpen) {
  http::LoopbackServer server([&](http::LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.Chunk(TextChunk("Half"));
    co_await exchange.WaitForClose();
  });
  config::v1::Config config = Config(server.Url("/v1"));
  config.mutable_drain()->mutable_timeout()->set_nanos(20'000'000);
  ASSERT_TRUE(Start(std::move(config)).ok());
  grpc::ClientContext context;
  Grant(context, identity::kProviderAdapterAudience);
  const auto stream = stub_->Generate(&context, Request());
  GenerateEventBatch batch;
  ASSERT_TRUE(stream->Read(&batch));

  runtime_->Stop();

  while (stream->Read(&batch)) {
  }
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(ProviderAdapterProcessTest, DoesNotStartWithoutAKeyThatIsNamed) {
  const absl::Status status =
      Start(Config("http://127.0.0.1:1/v1", "api_key_env: PENSTOCK_TEST_UNSET_KEY"));

  EXPECT_THAT(std::string(status.message()), HasSubstr("providers[0].api_key_env"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("PENSTOCK_TEST_UNSET_KEY"));
}

// A file of an API key, for as long as this lives.
class KeyFile {
 public:
  explicit KeyFile(const std::string& key) { Write(key); }
  ~KeyFile() { std::remove(path_.c_str()); }
  void Write(const std::string& key) {
    std::ofstream(path_ + ".new") << key << "\n";
    std::rename((path_ + ".new").c_str(), path_.c_str());
  }
  std::string setting() const { return "api_key_file: " + path_; }

 private:
  const std::string path_ = testing::TempDir() + "/process_api_key";
};

TEST_F(ProviderAdapterProcessTest, TheKeyIsNowhereToBeSeen) {
  // A provider that quotes what it was sent, in every way to fail.
  int asked = 0;
  int with_key = 0;
  http::LoopbackServer server([&](http::LoopbackExchange& exchange) -> Awaitable<void> {
    const std::string key(exchange.request["Authorization"]);
    if (absl::StrContains(key, "sk-precious")) ++with_key;
    const std::string error = absl::StrCat("{\"error\":{\"message\":\"you sent ", key, "\"}}");
    const int way = asked++;
    constexpr int kStatuses[] = {400, 401, 403, 404, 429, 500, 302};
    if (way < 7) {
      co_await exchange.Respond(kStatuses[way], "Content-Type: application/json\r\n", error);
    } else {
      co_await exchange.StartChunks(200, "Content-Type: text/event-stream\r\n");
      co_await exchange.Chunk(absl::StrCat("data: ", error, "\n\n"));
      co_await exchange.EndChunks();
    }
  });
  KeyFile file("sk-precious-1");
  testing::internal::CaptureStderr();
  ASSERT_TRUE(Start(Config(server.Url("/v1"), file.setting())).ok());

  std::string told;
  for (int i = 0; i < 8; ++i) told += Call();
  file.Write("sk-precious 2");  // not a key: a warning follows
  while (!absl::StrContains(runtime_->environment().metrics.Render(),
                            "key_reload_failures_total{provider=\"sim\"} 1")) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  const std::string metrics = runtime_->environment().metrics.Render();
  stub_.reset();
  runtime_.reset();
  const std::string log = testing::internal::GetCapturedStderr();

  EXPECT_EQ(with_key, 8);
  EXPECT_THAT(told, HasSubstr("you sent Bearer ***"));
  EXPECT_THAT(log, HasSubstr("the old key stays"));
  for (const std::string& text : {told, metrics, log}) {
    EXPECT_THAT(text, Not(HasSubstr("precious")));
  }
}

TEST_F(ProviderAdapterProcessTest, ANewKeyInTheFileGoesOutWithTheNextCalls) {
  std::promise<void> rotated;
  bool seen = false;
  http::LoopbackServer server([&](http::LoopbackExchange& exchange) -> Awaitable<void> {
    if (exchange.request["Authorization"] == "Bearer second" && !std::exchange(seen, true)) {
      rotated.set_value();
    }
    co_await exchange.Respond(500, "", "");
  });
  KeyFile file("first");
  ASSERT_TRUE(Start(Config(server.Url("/v1"), file.setting())).ok());
  Call();
  EXPECT_FALSE(seen);

  file.Write("second");
  auto done = rotated.get_future();
  while (done.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) Call();
}

TEST_F(ProviderAdapterProcessTest, DoesNotStartWithAKeyFileThatIsNotThere) {
  const absl::Status status = Start(Config("http://127.0.0.1:1/v1", "api_key_file: /nowhere/key"));

  EXPECT_THAT(std::string(status.message()), HasSubstr("providers[0].api_key_file"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere/key"));
}

TEST_F(ProviderAdapterProcessTest, DoesNotListenInTheOpen) {
  EXPECT_FALSE(Start(Config("http://127.0.0.1:1/v1"), "0.0.0.0:0").ok());
  EXPECT_TRUE(Start(Config("http://127.0.0.1:1/v1"), "127.0.0.1:0").ok());
  EXPECT_THAT(process_->Listening().at(0), Not(HasSubstr(":0")));
}

}  // namespace
}  // namespace penstock::provider_adapter
