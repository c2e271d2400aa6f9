#include "tests/harness/caller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "libs/base/status_macros.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;
using gateway::v1::Memories;
using gateway::v1::Sessions;
using gateway::v1::Turns;

absl::Status ReadAll(grpc::ClientContext& context, grpc::ClientReader<TurnEvent>& stream,
                     const Caller::OnEvent& on_event) {
  TurnEvent event;
  while (stream.Read(&event)) {
    if (on_event(event)) continue;
    context.TryCancel();
    stream.Finish();
    return absl::OkStatus();
  }
  return rpc::FromGrpc(stream.Finish());
}

}  // namespace

std::shared_ptr<grpc::Channel> Caller::Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

Caller::Caller(std::shared_ptr<grpc::Channel> channel, std::string token, bool waits)
    : channel_(std::move(channel)),
      authorization_("Bearer " + std::move(token)),
      waits_(waits),
      turns_(Turns::NewStub(channel_)),
      sessions_(Sessions::NewStub(channel_)),
      memories_(Memories::NewStub(channel_)) {}

std::unique_ptr<grpc::ClientContext> Caller::NewContext(absl::Duration timeout) const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
  context->AddMetadata("authorization", authorization_);
  context->set_wait_for_ready(waits_);
  return context;
}

absl::Status Caller::StreamTurn(const gateway::v1::StreamTurnRequest& request,
                                const OnEvent& on_event, absl::Duration timeout) const {
  const auto context = NewContext(timeout);
  const auto stream = turns_->StreamTurn(context.get(), request);
  return ReadAll(*context, *stream, on_event);
}

absl::Status Caller::WatchTurn(const gateway::v1::WatchTurnRequest& request,
                               const OnEvent& on_event, absl::Duration timeout) const {
  const auto context = NewContext(timeout);
  const auto stream = turns_->WatchTurn(context.get(), request);
  return ReadAll(*context, *stream, on_event);
}

absl::StatusOr<Turn> Caller::GetTurn(absl::string_view name) const {
  gateway::v1::GetTurnRequest request;
  request.set_name(std::string(name));
  return Call(turns(), &Turns::Stub::GetTurn, request);
}

absl::StatusOr<std::vector<Turn>> Caller::AllTurns(absl::string_view parent) const {
  gateway::v1::ListTurnsRequest request;
  request.set_parent(std::string(parent));
  request.set_page_size(1'000);
  std::vector<Turn> turns;
  do {
    PENSTOCK_ASSIGN_OR_RETURN(gateway::v1::ListTurnsResponse page,
                              Call(this->turns(), &Turns::Stub::ListTurns, request));
    std::move(page.mutable_turns()->begin(), page.mutable_turns()->end(),
              std::back_inserter(turns));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return turns;
}

std::string OutputText(const Turn& turn) {
  std::string text;
  for (const auto& message : turn.output()) {
    for (const auto& part : message.parts()) absl::StrAppend(&text, part.text().text());
  }
  return text;
}

std::string InputText(const Turn& turn) {
  std::string text;
  for (const auto& part : turn.input()) absl::StrAppend(&text, part.text().text());
  return text;
}

}  // namespace penstock::harness
