// Five processes that talk over mutual TLS only, each with a certificate of its own.

#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "libs/base/refusal.h"
#include "libs/rpc/channel.h"
#include "penstock/dispatcher/v1/dispatcher.grpc.pb.h"
#include "penstock/memory/v1/memory_recall.grpc.pb.h"
#include "penstock/session/v1/session_state.grpc.pb.h"
#include "tests/harness/certificates.h"
#include "tests/harness/mesh.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using gateway::v1::Turns;
using testing::AllOf;
using testing::HasSubstr;

bool Failed() { return testing::Test::HasFailure(); }

// A turn in a new session each time; an error, or the text of the answer.
absl::StatusOr<std::string> RunTurn(const Caller& caller, const std::string& text) {
  gateway::v1::RunTurnRequest request;
  request.set_session("sessions/s");
  request.mutable_turn()->set_create_session(true);
  request.mutable_turn()->set_on_conflict(chat::v1::ENQUEUE);
  request.mutable_turn()->add_input()->mutable_text()->set_text(text);
  const auto turn = caller.Call(caller.turns(), &Turns::Stub::RunTurn, request, absl::Seconds(120));
  if (!turn.ok()) return turn.status();
  if (turn->state() == Turn::SUCCEEDED) return OutputText(*turn);
  return absl::InternalError(turn->ShortDebugString());
}

struct Ran {
  int exit_code;
  std::string output;
};

// The `penstock` command, both of its outputs.
Ran RunPenstock(const std::string& environment, const std::string& arguments) {
  const std::string command =
      absl::StrCat(environment, " ", BinaryPath("penstock"), " ", arguments, " 2>&1 </dev/null");
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> part;
  while (const size_t read = fread(part.data(), 1, part.size(), pipe)) {
    output.append(part.data(), read);
  }
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

class MutualTlsTest : public testing::Test {
 protected:
  void Start() {
    auto mesh = Mesh::Start({.shape = Shape::kFiveProcesses,
                             .tcp = true,
                             .settings_of = certificates_.settings(),
                             .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
  }

  std::unique_ptr<Caller> NewCaller(const std::string& user, const std::string& vouched_by = "") {
    return mesh_->NewCaller({.user = user}, certificates_.Connect(mesh_->gateway_address(),
                                                                  "client", "gateway", vouched_by));
  }

  std::string AddressOf(const std::string& service) {
    std::ostringstream config;
    config << std::ifstream(mesh_->config_file()).rdbuf();
    return *SettingOf(config.str(), "endpoints." + service);
  }

  // What `stub` answers to a call without a grant, made with the certificate `name`.
  template <class Service, class Request, class Response>
  absl::Status CallAs(const std::string& name, const std::string& process,
                      const std::string& service,
                      grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                            Response*)) {
    const auto stub = Service::NewStub(certificates_.Connect(AddressOf(process), name, service));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    Response response;
    return rpc::FromGrpc((stub.get()->*method)(&context, Request(), &response));
  }

  MeshCertificates certificates_;
  std::unique_ptr<Mesh> mesh_;
};

TEST_F(MutualTlsTest, RunsTurnsWhileEveryCertificateIsExchanged) {
  Start();
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      const auto caller = NewCaller(absl::StrCat("u", i));
      while (!stop) {
        const auto text = RunTurn(*caller, "hello");
        ++(text.ok() ? answered : failed);
        if (!text.ok()) ADD_FAILURE() << text.status();
      }
    });
  }

  certificates_.Exchange();
  // Looked at every 50 ms, in force at most a second later.
  absl::SleepFor(absl::Seconds(3));
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GT(answered, 0);

  // The dispatcher has to shake hands anew, with the new certificates on both sides.
  ASSERT_TRUE(mesh_->processes().Terminate("provider_adapter").ok());
  ASSERT_TRUE(mesh_->processes().Restart("provider_adapter").ok());
  const auto after = RunTurn(*NewCaller("after", certificates_.authority().certificate()), "hello");
  EXPECT_TRUE(after.ok()) << after.status();
}

TEST_F(MutualTlsTest, AServiceTakesCallsOfThoseThatCallItAndOfNobodyElse) {
  Start();
  using dispatcher::v1::Dispatcher;
  using memory::v1::MemoryRecall;
  using session::v1::SessionState;

  for (const char* stranger : {"client", "provider-adapter"}) {
    for (const absl::Status& status :
         {CallAs<Dispatcher>(stranger, "dispatcher", "dispatcher", &Dispatcher::Stub::GetTurn),
          CallAs<SessionState>(stranger, "session_state", "session-state",
                               &SessionState::Stub::GetSession),
          CallAs<MemoryRecall>(stranger, "memory_recall", "memory-recall",
                               &MemoryRecall::Stub::Recall)}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
      EXPECT_EQ(ReasonOf(status), "PEER_NOT_ALLOWED");
    }
  }
  // Let in, they still need a grant.
  const auto known = CallAs<SessionState>("dispatcher", "session_state", "session-state",
                                          &SessionState::Stub::GetSession);
  EXPECT_EQ(ReasonOf(known), "GRANT_MISSING") << known;
}

TEST_F(MutualTlsTest, ThePenstockCommandTalksThroughIt) {
  Start();
  const std::string token = mesh_->tokens().For({.user = "ann"});
  const std::string& folder = certificates_.folder();
  const std::string environment =
      absl::StrCat("PENSTOCK_TOKEN=", token, " PENSTOCK_ADDRESS=", mesh_->gateway_address());
  const std::string authorities = absl::StrCat(" --tls-ca ", folder, "/ca.crt");
  const auto pair = [&](const std::string& name) {
    return absl::StrCat(" --tls-cert ", folder, "/", name, ".crt --tls-key ", folder, "/", name,
                        ".key");
  };
  const std::string chat = "chat --session boat --message 'My boat is Albatross.'";

  const Ran said = RunPenstock(environment, chat + authorities + pair("client"));
  EXPECT_EQ(said.exit_code, 0) << said.output;
  EXPECT_THAT(said.output, HasSubstr("Albatross"));
  const Ran healthy = RunPenstock(environment, "health" + authorities + pair("client"));
  EXPECT_EQ(healthy.exit_code, 0) << healthy.output;

  const Ran plain = RunPenstock(environment, chat);
  EXPECT_EQ(plain.exit_code, 1);
  EXPECT_THAT(plain.output, HasSubstr("--tls-ca"));
  const Ran nameless = RunPenstock(environment, "health" + authorities);
  EXPECT_EQ(nameless.exit_code, 1);
  EXPECT_THAT(nameless.output, HasSubstr("--tls-cert"));
  const Ran elsewhere =
      RunPenstock(environment, "health --tls-name memory-recall" + authorities + pair("client"));
  EXPECT_EQ(elsewhere.exit_code, 1);
  EXPECT_THAT(elsewhere.output, HasSubstr("found gateway, expected memory-recall"));
}

TEST_F(MutualTlsTest, DoesNotStartWithACertificateThatHasExpired) {
  certificates_.authority()
      .Issue({.dns_names = {"gateway"}, .ends = absl::FromUnixSeconds(1'600'000'000)})
      .WriteTo(certificates_.folder(), "gateway");

  const auto mesh =
      Mesh::Start({.shape = Shape::kStandalone, .settings_of = certificates_.settings()});

  ASSERT_FALSE(mesh.ok());
  EXPECT_THAT(std::string(mesh.status().message()),
              AllOf(HasSubstr("tls.cert_file"), HasSubstr("expired at 2020-09-13")));
}

}  // namespace
}  // namespace penstock::harness
