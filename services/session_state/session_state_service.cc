#include "services/session_state/session_state_service.h"

#include "libs/async/status_macros.h"
#include "libs/rpc/server.h"
#include "penstock/session/v1/session_state.grpc.pb.h"

namespace penstock::session_state {
namespace {

using namespace session::v1;  // NOLINT: requests and responses
using chat::v1::Session;
using chat::v1::Turn;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

template <class Request, class Response>
using CoreMethod = Awaitable<absl::StatusOr<Response>> (session_state::SessionState::*)(UserKey,
                                                                                        Request);

template <class Request, class Response>
Awaitable<absl::Status> Ask(session_state::SessionState& core, CoreMethod<Request, Response> method,
                            rpc::ServerCall& call, const Request& request, Response& response) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(response, co_await (core.*method)(call.principal().key, request));
  co_return absl::OkStatus();
}

class Service final : public session::v1::SessionState::CallbackService {
 public:
  using Core = session_state::SessionState;

  Service(Core& core, const rpc::ServerEnvironment& environment)
      : core_(core),
        resolve_session_(environment, "SessionState/ResolveSession"),
        ensure_session_(environment, "SessionState/EnsureSession"),
        begin_turn_(environment, "SessionState/BeginTurn"),
        append_step_(environment, "SessionState/AppendStep"),
        commit_turn_(environment, "SessionState/CommitTurn"),
        create_session_(environment, "SessionState/CreateSession"),
        get_session_(environment, "SessionState/GetSession"),
        list_sessions_(environment, "SessionState/ListSessions"),
        update_session_(environment, "SessionState/UpdateSession"),
        delete_session_(environment, "SessionState/DeleteSession"),
        get_turn_(environment, "SessionState/GetTurn"),
        list_turns_(environment, "SessionState/ListTurns") {}

  ServerUnaryReactor* ResolveSession(CallbackServerContext* context,
                                     const ResolveSessionRequest* request,
                                     ResolveSessionResponse* response) override {
    return Serve(resolve_session_, &Core::ResolveSession, context, request, response);
  }
  ServerUnaryReactor* EnsureSession(CallbackServerContext* context,
                                    const EnsureSessionRequest* request,
                                    EnsureSessionResponse* response) override {
    return Serve(ensure_session_, &Core::EnsureSession, context, request, response);
  }
  ServerUnaryReactor* BeginTurn(CallbackServerContext* context, const BeginTurnRequest* request,
                                BeginTurnResponse* response) override {
    return Serve(begin_turn_, &Core::BeginTurn, context, request, response);
  }
  ServerUnaryReactor* AppendStep(CallbackServerContext* context, const AppendStepRequest* request,
                                 AppendStepResponse* response) override {
    return Serve(append_step_, &Core::AppendStep, context, request, response);
  }
  ServerUnaryReactor* CommitTurn(CallbackServerContext* context, const CommitTurnRequest* request,
                                 CommitTurnResponse* response) override {
    return Serve(commit_turn_, &Core::CommitTurn, context, request, response);
  }
  ServerUnaryReactor* CreateSession(CallbackServerContext* context,
                                    const CreateSessionRequest* request,
                                    Session* response) override {
    return Serve(create_session_, &Core::CreateSession, context, request, response);
  }
  ServerUnaryReactor* GetSession(CallbackServerContext* context, const GetSessionRequest* request,
                                 Session* response) override {
    return Serve(get_session_, &Core::GetSession, context, request, response);
  }
  ServerUnaryReactor* ListSessions(CallbackServerContext* context,
                                   const ListSessionsRequest* request,
                                   ListSessionsResponse* response) override {
    return Serve(list_sessions_, &Core::ListSessions, context, request, response);
  }
  ServerUnaryReactor* UpdateSession(CallbackServerContext* context,
                                    const UpdateSessionRequest* request,
                                    Session* response) override {
    return Serve(update_session_, &Core::UpdateSession, context, request, response);
  }
  ServerUnaryReactor* DeleteSession(CallbackServerContext* context,
                                    const DeleteSessionRequest* request,
                                    Session* response) override {
    return Serve(delete_session_, &Core::DeleteSession, context, request, response);
  }
  ServerUnaryReactor* GetTurn(CallbackServerContext* context, const GetTurnRequest* request,
                              Turn* response) override {
    return Serve(get_turn_, &Core::GetTurn, context, request, response);
  }
  ServerUnaryReactor* ListTurns(CallbackServerContext* context, const ListTurnsRequest* request,
                                ListTurnsResponse* response) override {
    return Serve(list_turns_, &Core::ListTurns, context, request, response);
  }

 private:
  template <class Request, class Response>
  ServerUnaryReactor* Serve(rpc::Method& method, CoreMethod<Request, Response> core_method,
                            CallbackServerContext* context, const Request* request,
                            Response* response) {
    return rpc::ServeUnary(method, context, request, response,
                           [&core = core_, core_method](rpc::ServerCall& call, const Request& asked,
                                                        Response& answer) {
                             return Ask(core, core_method, call, asked, answer);
                           });
  }

  Core& core_;
  rpc::Method resolve_session_;
  rpc::Method ensure_session_;
  rpc::Method begin_turn_;
  rpc::Method append_step_;
  rpc::Method commit_turn_;
  rpc::Method create_session_;
  rpc::Method get_session_;
  rpc::Method list_sessions_;
  rpc::Method update_session_;
  rpc::Method delete_session_;
  rpc::Method get_turn_;
  rpc::Method list_turns_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSessionStateService(session_state::SessionState& core,
                                                       const rpc::ServerEnvironment& environment) {
  return std::make_unique<Service>(core, environment);
}

}  // namespace penstock::session_state
