// No RPC answers what only a provider can read: each that answers turns is asked, over a socket,
// for one that is full of it.
#include <functional>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include "libs/rpc/channel.h"
#include "penstock/gateway/v1/memories.pb.h"
#include "penstock/gateway/v1/sessions.pb.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/gateway/gateway_harness.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;
using google::protobuf::Descriptor;
using testing::HasSubstr;
using testing::Not;

constexpr char kSecret[] = "signature-of-the-provider";
constexpr char kShown[] = "what the assistant said";

bool Reaches(const Descriptor& from, const Descriptor& wanted, std::set<const Descriptor*>& seen) {
  if (&from == &wanted) return true;
  if (!seen.insert(&from).second) return false;
  for (int i = 0; i < from.field_count(); ++i) {
    const Descriptor* field = from.field(i)->message_type();
    if (field != nullptr && Reaches(*field, wanted, seen)) return true;
  }
  return false;
}

// Of the gateway's own RPCs, those whose answers have room for an Opaque, by name.
std::set<std::string> RpcsThatAnswerTurns() {
  std::set<std::string> found;
  for (const auto* file :
       {v1::ListTurnsRequest::descriptor()->file(), v1::GetSessionRequest::descriptor()->file(),
        v1::GetMemoryRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const auto& method = *file->service(s)->method(m);
        std::set<const Descriptor*> seen;
        if (Reaches(*method.output_type(), *chat::v1::Opaque::descriptor(), seen)) {
          found.insert(method.name());
        }
      }
    }
  }
  return found;
}

void AddSecrets(google::protobuf::RepeatedPtrField<chat::v1::Part>& parts) {
  parts.Add()->mutable_opaque()->set_data(kSecret);
  parts.Add()->mutable_reasoning()->mutable_state()->set_data(kSecret);
  parts.Add()->mutable_text()->set_text(kShown);
}

Turn TurnWithSecrets(Turn::State state) {
  Turn turn;
  turn.set_name(kFakeTurn);
  turn.set_sequence(1);
  turn.set_state(state);
  AddSecrets(*turn.mutable_input());
  AddSecrets(*turn.add_output()->mutable_parts());
  return turn;
}

class GatewayPrivatePartsTest : public testing::Test {
 protected:
  void SetUp() override {
    TurnEvent step = EventOf(2);
    AddSecrets(*step.mutable_step_finished()->mutable_message()->mutable_parts());
    TurnEvent finished = FinishedEvent(3);
    *finished.mutable_finished()->mutable_turn() = TurnWithSecrets(Turn::SUCCEEDED);
    harness_.peers().streams = {{{AcceptedEvent(), step, finished}, {}}};
  }

  template <class Request>
  static Request Ask() {
    Request request;
    request.set_session("sessions/s1");
    request.mutable_turn()->add_input()->mutable_text()->set_text("Hello.");
    return request;
  }
  template <class Request>
  static Request Named() {
    Request request;
    request.set_name(kFakeTurn);
    return request;
  }

  // All that the RPC answers, as bytes; "" and a failure when it refuses.
  template <class Request, class Response>
  std::string Unary(grpc::Status (v1::Turns::Stub::*rpc)(grpc::ClientContext*, const Request&,
                                                         Response*),
                    const Request& request) {
    grpc::ClientContext context;
    GatewayHarness::Authorize(context);
    Response response;
    const grpc::Status status = ((*turns_).*rpc)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.SerializeAsString();
  }
  std::string Read(grpc::ClientReader<TurnEvent>& reader) {
    std::string all;
    TurnEvent event;
    while (reader.Read(&event)) absl::StrAppend(&all, event.SerializeAsString());
    const grpc::Status status = reader.Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return all;
  }

  void BeLive() { harness_.peers().live = {TurnWithSecrets(Turn::RUNNING)}; }
  void HaveEnded() { harness_.peers().ended = {TurnWithSecrets(Turn::SUCCEEDED)}; }

  // By the name of the RPC; two of those that find a turn where it lives or where it is stored.
  using Asked = std::function<std::string()>;
  std::multimap<std::string, Asked> Questions() {
    using Stub = v1::Turns::Stub;
    const auto stream = [this] {
      grpc::ClientContext context;
      GatewayHarness::Authorize(context);
      return Read(*turns_->StreamTurn(&context, Ask<v1::StreamTurnRequest>()));
    };
    const auto watch = [this] {
      grpc::ClientContext context;
      GatewayHarness::Authorize(context);
      return Read(*turns_->WatchTurn(&context, Named<v1::WatchTurnRequest>()));
    };
    const auto results = [this] {
      auto request = Named<v1::SubmitToolResultsRequest>();
      request.add_results()->set_tool_call_id("c1");
      request.mutable_results(0)->set_content("here");
      return Unary(&Stub::SubmitToolResults, request);
    };
    const auto list = [this] {
      v1::ListTurnsRequest request;
      request.set_parent("sessions/s1");
      request.set_page_size(10);
      return Unary(&Stub::ListTurns, request);
    };
    const auto get = [this] { return Unary(&Stub::GetTurn, Named<v1::GetTurnRequest>()); };
    const auto live = [this](auto ask) { return [this, ask] { return BeLive(), ask(); }; };
    const auto ended = [this](auto ask) { return [this, ask] { return HaveEnded(), ask(); }; };
    return {{"StreamTurn", stream},
            {"WatchTurn", watch},
            {"RunTurn", [this] { return Unary(&Stub::RunTurn, Ask<v1::RunTurnRequest>()); }},
            {"SubmitTurn",
             live([this] { return Unary(&Stub::SubmitTurn, Ask<v1::SubmitTurnRequest>()); })},
            {"SubmitToolResults", live(results)},
            {"CancelTurn",
             live([this] { return Unary(&Stub::CancelTurn, Named<v1::CancelTurnRequest>()); })},
            {"GetTurn", live(get)},
            {"GetTurn", ended(get)},
            {"ListTurns", live(list)},
            {"ListTurns", ended(list)}};
  }

  GatewayHarness harness_;
  const std::shared_ptr<grpc::Channel> channel_ = rpc::OpenChannel(harness_.endpoint());
  const std::unique_ptr<v1::Turns::Stub> turns_ = v1::Turns::NewStub(channel_);
};

TEST_F(GatewayPrivatePartsTest, EveryRpcThatAnswersTurnsIsAsked) {
  std::set<std::string> asked;
  for (const auto& [rpc, ask] : Questions()) asked.insert(rpc);

  EXPECT_EQ(asked, RpcsThatAnswerTurns()) << "an RPC that answers turns needs a question here";
}

TEST_F(GatewayPrivatePartsTest, NoneOfThemShowsWhatOnlyAProviderCanRead) {
  for (const auto& [rpc, ask] : Questions()) {
    SetUp();
    harness_.peers().live.clear();
    harness_.peers().ended.clear();

    const std::string answer = ask();

    EXPECT_THAT(answer, HasSubstr(kShown)) << rpc;
    EXPECT_THAT(answer, Not(HasSubstr(kSecret))) << rpc;
  }
}

}  // namespace
}  // namespace penstock::gateway
