#include "tests/mesh/isolation_world.h"

#include <thread>
#include <utility>

#include "libs/base/status_macros.h"
#include "tests/harness/canary.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::mesh {
namespace {

using gateway::v1::Memories;
using gateway::v1::Sessions;
using gateway::v1::Turns;
using harness::Caller;

// Memories that a citizen has in the end: four ended turns, and one of their own making.
constexpr int kMemories = 5;

absl::Status MakeSession(const Citizen& citizen, const std::string& id) {
  gateway::v1::CreateSessionRequest request;
  request.set_session_id(id);
  request.mutable_session()->set_display_name("Talk of " + citizen.canary);
  (*request.mutable_session()->mutable_labels())["of"] = citizen.canary;
  return citizen.caller->Call(citizen.caller->sessions(), &Sessions::Stub::CreateSession, request)
      .status();
}

// `Request`: RunTurnRequest or SubmitTurnRequest.
template <typename Request>
Request Ask(const Citizen& citizen, const std::string& session, const std::string& request_id,
            const std::string& directive = "") {
  Request request;
  request.set_session(session);
  request.set_request_id(request_id);
  auto* turn = request.mutable_turn();
  turn->add_input()->mutable_text()->set_text(
      absl::StrCat("My secret is ", citizen.canary, "\n", directive));
  turn->set_create_session(true);
  (*turn->mutable_labels())["of"] = citizen.canary;
  return request;
}

absl::StatusOr<std::string> Run(const Citizen& citizen, const std::string& session,
                                const std::string& request_id) {
  PENSTOCK_ASSIGN_OR_RETURN(
      const chat::v1::Turn turn,
      citizen.caller->Call(citizen.caller->turns(), &Turns::Stub::RunTurn,
                           Ask<gateway::v1::RunTurnRequest>(citizen, session, request_id)));
  if (turn.state() == chat::v1::Turn::SUCCEEDED) return turn.name();
  return absl::InternalError(turn.ShortDebugString());
}

absl::StatusOr<std::string> Submit(const Citizen& citizen, const std::string& session,
                                   const std::string& request_id) {
  PENSTOCK_ASSIGN_OR_RETURN(
      const chat::v1::Turn turn,
      citizen.caller->Call(
          citizen.caller->turns(), &Turns::Stub::SubmitTurn,
          Ask<gateway::v1::SubmitTurnRequest>(citizen, session, request_id, "/sim hang-after 5")));
  return turn.name();
}

absl::StatusOr<gateway::v1::ListMemoriesResponse> ListMemories(const Citizen& citizen, int size) {
  gateway::v1::ListMemoriesRequest request;
  request.set_page_size(size);
  return citizen.caller->Call(citizen.caller->memories(), &Memories::Stub::ListMemories, request);
}

}  // namespace

absl::StatusOr<std::unique_ptr<IsolationWorld>> IsolationWorld::Make() {
  auto world = std::make_unique<IsolationWorld>();
  PENSTOCK_ASSIGN_OR_RETURN(world->mesh_,
                            InProcessMesh::Start({{"identity.issuers.0.tenants", "[dev, a, a/b]"},
                                                  {"providers.0.first_token_timeout", "1h"},
                                                  {"providers.0.idle_timeout", "1h"}}));
  const auto channel = world->mesh_->ConnectToGateway();
  const std::vector<harness::TokenUser> users = {{.user = "u1", .tenant = "dev"},
                                                 {.user = "u11", .tenant = "dev"},
                                                 {.user = "b/c", .tenant = "a"},
                                                 {.user = "c", .tenant = "a/b"}};
  for (const harness::TokenUser& user : users) {
    Citizen citizen{.user = user,
                    .canary = harness::CanaryOf(absl::StrCat(user.tenant, "|", user.user)),
                    .caller = std::make_unique<Caller>(channel, world->mesh_->tokens().For(user)),
                    .names = {}};
    PENSTOCK_RETURN_IF_ERROR(world->Settle(citizen, static_cast<int>(world->citizens_.size())));
    world->citizens_.push_back(std::move(citizen));
  }
  return world;
}

absl::Status IsolationWorld::Settle(Citizen& citizen, int number) {
  PENSTOCK_RETURN_IF_ERROR(Talk(citizen, number));
  PENSTOCK_RETURN_IF_ERROR(Remember(citizen));
  return TakePages(citizen);
}

absl::Status IsolationWorld::Talk(Citizen& citizen, int number) {
  Names& names = citizen.names;
  PENSTOCK_RETURN_IF_ERROR(MakeSession(citizen, "same"));
  for (int i = 1; i <= 3; ++i) {
    PENSTOCK_RETURN_IF_ERROR(
        Run(citizen, names.same_session, absl::StrCat("request-", i)).status());
  }
  const std::string id = absl::StrCat("only-", number);
  names.session = absl::StrCat("sessions/", id);
  PENSTOCK_RETURN_IF_ERROR(MakeSession(citizen, id));
  PENSTOCK_ASSIGN_OR_RETURN(names.turn, Run(citizen, names.session, "request-4"));
  const std::string live = absl::StrCat("sessions/live-", number);
  PENSTOCK_ASSIGN_OR_RETURN(names.live_turn, Submit(citizen, live, "request-5"));
  PENSTOCK_ASSIGN_OR_RETURN(names.queued_turn, Submit(citizen, live, "request-6"));
  return absl::OkStatus();
}

absl::Status IsolationWorld::Remember(Citizen& citizen) {
  gateway::v1::CreateMemoryRequest request;
  request.set_request_id("memory-1");
  request.mutable_memory()->set_text("The secret word is " + citizen.canary);
  (*request.mutable_memory()->mutable_labels())["of"] = citizen.canary;
  PENSTOCK_ASSIGN_OR_RETURN(
      const chat::v1::Memory memory,
      citizen.caller->Call(citizen.caller->memories(), &Memories::Stub::CreateMemory, request));
  citizen.names.memory = memory.name();
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (absl::Now() < give_up) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto page, ListMemories(citizen, kMemories));
    if (page.memories_size() == kMemories) return absl::OkStatus();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return absl::DeadlineExceededError("the turns were not remembered within 30 s");
}

absl::Status IsolationWorld::TakePages(Citizen& citizen) {
  const Caller& caller = *citizen.caller;
  gateway::v1::ListTurnsRequest turns;
  turns.set_parent(citizen.names.same_session);
  turns.set_page_size(1);
  PENSTOCK_ASSIGN_OR_RETURN(const auto turns_page,
                            caller.Call(caller.turns(), &Turns::Stub::ListTurns, turns));
  citizen.names.turns_page = turns_page.next_page_token();
  gateway::v1::ListSessionsRequest sessions;
  sessions.set_page_size(1);
  PENSTOCK_ASSIGN_OR_RETURN(
      const auto sessions_page,
      caller.Call(caller.sessions(), &Sessions::Stub::ListSessions, sessions));
  citizen.names.sessions_page = sessions_page.next_page_token();
  PENSTOCK_ASSIGN_OR_RETURN(const auto memories_page, ListMemories(citizen, 1));
  citizen.names.memories_page = memories_page.next_page_token();
  return absl::OkStatus();
}

}  // namespace penstock::mesh
