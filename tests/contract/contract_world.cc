#include "tests/contract/contract_world.h"

#include <optional>
#include <utility>
#include <vector>

#include "libs/base/status_macros.h"
#include "libs/rpc/status.h"
#include "tests/harness/caller.h"
#include "tests/mesh/call_by_name.h"
#include "tests/mesh/contracts.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace penstock::contract {
namespace {

using gateway::v1::Memories;
using gateway::v1::Sessions;
using gateway::v1::Turns;

// "Turns.GetTurn" is of the gateway's package, but for the one service that the gateway passes on.
const google::protobuf::MethodDescriptor* MethodOf(const std::string& rpc) {
  const bool operations = absl::StartsWith(rpc, "Operations.");
  const std::string package = operations ? "penstock.dispatcher.v1." : "penstock.gateway.v1.";
  return mesh::Contracts().FindMethodByName(package + rpc);
}

std::string SessionOf(const std::string& turn) { return turn.substr(0, turn.find("/turns/")); }

// Another name of the same length that nobody has.
std::string Absent(std::string name) {
  name.back() = name.back() == 'f' ? 'e' : 'f';
  return name;
}

// Neither its session nor the turn is there.
std::string AbsentTurn(const std::string& turn) {
  const std::string session = SessionOf(turn);
  return Absent(session) + Absent(turn.substr(session.size()));
}

Names NamesOf(const mesh::Names& names) {
  return {{"session", names.session},
          {"turn", names.turn},
          {"live_turn", names.live_turn},
          {"live_session", SessionOf(names.live_turn)},
          {"memory", names.memory},
          {"turns_page", names.turns_page},
          {"sessions_page", names.sessions_page},
          {"memories_page", names.memories_page}};
}

// How a row's caller says who it is; by default as the one who asks.
struct Credential {
  // Instead of a token's; empty: none.
  std::optional<std::string> authorization = {};
  std::string scope = {};
  std::string tenant = {};
  // For whom it wants to act.
  std::string user = {};
  absl::Duration lifetime = absl::Hours(1);
};

const std::map<std::string, Credential>& Credentials() {
  static const auto& credentials = *new std::map<std::string, Credential>{
      {"caller", {}},
      {"nobody", {.authorization = ""}},
      {"garbage", {.authorization = "Bearer garbage"}},
      {"expired", {.lifetime = -absl::Hours(1)}},
      {"other_tenant", {.tenant = "elsewhere"}},
      {"operator", {.scope = "operator"}},
      {"act_as", {.scope = "act_as"}},
      {"act_as_long", {.scope = "act_as", .user = std::string(129, 'u')}},
      {"on_behalf", {.user = "ann"}}};
  return credentials;
}

absl::StatusOr<std::string> StoredOf(const mesh::Citizen& citizen) {
  const harness::Caller& caller = *citizen.caller;
  gateway::v1::ListSessionsRequest sessions;
  sessions.set_page_size(1000);
  PENSTOCK_ASSIGN_OR_RETURN(
      const auto session_page,
      caller.Call(caller.sessions(), &Sessions::Stub::ListSessions, sessions));
  gateway::v1::ListMemoriesRequest memories;
  memories.set_page_size(1000);
  PENSTOCK_ASSIGN_OR_RETURN(
      const auto memory_page,
      caller.Call(caller.memories(), &Memories::Stub::ListMemories, memories));
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<chat::v1::Turn> turns, caller.AllTurns("sessions/-"));
  std::string stored = session_page.DebugString() + memory_page.DebugString();
  for (chat::v1::Turn& turn : turns) {
    // The one is estimated anew with every look, the other comes with the first token.
    turn.clear_queue();
    turn.clear_first_output_time();
    stored += turn.DebugString();
  }
  return stored;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ContractWorld>> ContractWorld::Make() {
  auto world = std::unique_ptr<ContractWorld>(new ContractWorld());
  PENSTOCK_ASSIGN_OR_RETURN(world->world_, mesh::IsolationWorld::Make());
  world->channel_ = world->world_->mesh().ConnectToGateway();
  PENSTOCK_RETURN_IF_ERROR(world->Prepare());
  world->NameWhatIsThere();
  return world;
}

// So that the hanging turns of the two do not change any more.
absl::Status ContractWorld::AwaitRunning() const {
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  for (const mesh::Citizen& citizen : world_->citizens()) {
    while (true) {
      PENSTOCK_ASSIGN_OR_RETURN(const chat::v1::Turn turn,
                                citizen.caller->GetTurn(citizen.names.live_turn));
      if (turn.state() == chat::v1::Turn::RUNNING) break;
      if (absl::Now() > give_up) return absl::DeadlineExceededError(turn.ShortDebugString());
      absl::SleepFor(absl::Milliseconds(5));
    }
  }
  return absl::OkStatus();
}

absl::Status ContractWorld::Prepare() {
  PENSTOCK_RETURN_IF_ERROR(AwaitRunning());
  const harness::Caller& caller = *world_->citizens()[0].caller;
  gateway::v1::CreateSessionRequest create;
  create.set_request_id("session-1");
  PENSTOCK_RETURN_IF_ERROR(
      caller.Call(caller.sessions(), &Sessions::Stub::CreateSession, create).status());
  return PrepareWaitingTurn();
}

absl::Status ContractWorld::PrepareWaitingTurn() {
  const harness::Caller& caller = *world_->citizens()[0].caller;
  gateway::v1::RunTurnRequest run;
  run.mutable_turn()->add_input()->mutable_text()->set_text("How late is it?\n/sim tool clock");
  run.mutable_turn()->mutable_overrides()->add_tools()->set_name("clock");
  PENSTOCK_ASSIGN_OR_RETURN(const chat::v1::Turn turn,
                            caller.Call(caller.turns(), &Turns::Stub::RunTurn, run));
  if (turn.pending_tool_calls().empty()) return absl::InternalError(turn.ShortDebugString());
  names_["waiting_turn"] = turn.name();
  names_["call"] = turn.pending_tool_calls(0).id();
  return absl::OkStatus();
}

void ContractWorld::NameWhatIsThere() {
  names_.merge(NamesOf(world_->citizens()[0].names));
  absent_names_ = names_;
  const mesh::Names& theirs = world_->citizens()[1].names;
  for (const auto& [name, value] : NamesOf(theirs)) names_["their_" + name] = value;
  for (const auto& [name, value] : NamesOf(theirs)) absent_names_["their_" + name] = value;
  absent_names_["their_session"] = Absent(theirs.session);
  absent_names_["their_turn"] = AbsentTurn(theirs.turn);
  absent_names_["their_live_turn"] = AbsentTurn(theirs.live_turn);
  absent_names_["their_live_session"] = Absent(SessionOf(theirs.live_turn));
  absent_names_["their_memory"] = Absent(theirs.memory);
}

absl::StatusOr<ContractWorld::Metadata> ContractWorld::MetadataOf(const std::string& caller) const {
  const auto found = Credentials().find(caller);
  if (found == Credentials().end()) {
    return absl::InvalidArgumentError(absl::StrCat("no caller \"", caller, "\" is known"));
  }
  const Credential& credential = found->second;
  harness::TokenUser user = world_->citizens()[0].user;
  if (!credential.tenant.empty()) user.tenant = credential.tenant;
  if (!credential.scope.empty()) user.scopes = {credential.scope};
  const std::string token = world_->mesh().tokens().For(user, credential.lifetime);
  Metadata metadata = {{"authorization", credential.authorization.value_or("Bearer " + token)}};
  if (metadata.begin()->second.empty()) metadata.clear();
  if (!credential.user.empty()) metadata.emplace("penstock-on-behalf-of", credential.user);
  return metadata;
}

absl::Status ContractWorld::Send(const std::string& rpc, const std::string& caller,
                                 const std::string& request) {
  const auto* method = MethodOf(rpc);
  if (method == nullptr) return absl::UnknownError(absl::StrCat("no RPC ", rpc));
  PENSTOCK_ASSIGN_OR_RETURN(const Metadata metadata, MetadataOf(caller));
  return rpc::FromGrpc(mesh::CallByName(channel_, *method, request, metadata).status);
}

absl::StatusOr<std::string> ContractWorld::Stored() const {
  std::string stored;
  for (int i = 0; i < 2; ++i) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string theirs,
                              StoredOf(world_->citizens()[static_cast<size_t>(i)]));
    stored += theirs;
  }
  return stored;
}

}  // namespace penstock::contract
