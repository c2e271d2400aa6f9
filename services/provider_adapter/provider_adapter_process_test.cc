// The service as its callers meet it: grants, gRPC, libcurl and sockets, all real.
#include "services/provider_adapter/provider_adapter_process.h"

#include <future>
#include <memory>
#include <string>
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

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using provider::v1::GenerateEvent;
using provider::v1::GenerateEventBatch;
using provider::v1::GenerateRequest;
using testing::HasSubstr;

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

TEST_F(ProviderAdapterProcessTest, DoesNotListenInTheOpen) {
  EXPECT_FALSE(Start(Config("http://127.0.0.1:1/v1"), "0.0.0.0:0").ok());
  EXPECT_TRUE(Start(Config("http://127.0.0.1:1/v1"), "127.0.0.1:0").ok());
  EXPECT_THAT(process_->Listening().at(0), testing::Not(HasSubstr(":0")));
}

}  // namespace
}  // namespace penstock::provider_adapter
