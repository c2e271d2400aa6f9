// The other services as plain objects, for tests of the dispatcher: session-state's rules of fences
// and endings in memory, a memory that can be late, a provider that says what a test scripts.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/turn/peers.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {

// Thread-safe.
class FakeSessionPeer : public SessionPeer {
 public:
  Awaitable<absl::StatusOr<session::v1::ResolveSessionResponse>> ResolveSession(
      PeerCall, session::v1::ResolveSessionRequest request) override {
    session::v1::ResolveSessionResponse response;
    MutexLock lock(mutex_);
    ++resolved_;
    response.set_exists(sessions_.contains(request.session()));
    response.set_last_sequence(sessions_[request.session()]);
    if (!response.exists()) sessions_.erase(request.session());
    co_return response;
  }

  Awaitable<absl::StatusOr<session::v1::EnsureSessionResponse>> EnsureSession(
      PeerCall, session::v1::EnsureSessionRequest request) override {
    session::v1::EnsureSessionResponse response;
    MutexLock lock(mutex_);
    if (auto failure = TakeFailure(ensure_failures_)) co_return *std::move(failure);
    response.set_created(sessions_.try_emplace(request.session(), 0).second);
    co_return response;
  }

  Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginTurn(
      PeerCall call, session::v1::BeginTurnRequest request) override {
    if (call.stop.stop_requested()) co_return absl::CancelledError("stopped");
    MutexLock lock(mutex_);
    if (auto failure = TakeFailure(begin_failures_)) co_return *std::move(failure);
    session::v1::BeginTurnResponse response;
    if (const auto ended = ended_.find(request.turn()); ended != ended_.end()) {
      *response.mutable_ended() = ended->second;
      co_return response;
    }
    if (fenced_) co_return Fenced();
    begun_[request.turn()] = request.accepted().input();
    begins_.push_back(request);
    *response.mutable_context() = context;
    for (const auto& step : steps_[request.turn()]) {
      *response.mutable_context()->add_steps() = step;
    }
    co_return response;
  }

  Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> AppendStep(
      PeerCall, session::v1::AppendStepRequest request) override {
    MutexLock lock(mutex_);
    if (auto failure = TakeFailure(append_failures_)) co_return *std::move(failure);
    session::v1::AppendStepResponse response;
    if (const auto ended = ended_.find(request.turn()); ended != ended_.end()) {
      *response.mutable_ended() = ended->second;
      co_return response;
    }
    if (fenced_) co_return Fenced();
    if (!begun_.contains(request.turn())) {
      co_return Refusal(absl::StatusCode::kFailedPrecondition, "NOT_BEGUN", request.turn());
    }
    auto& steps = steps_[request.turn()];
    const auto number = static_cast<size_t>(request.step().step());
    if (number > steps.size()) co_return absl::InvalidArgumentError("a gap");
    if (number == steps.size()) steps.push_back(request.step());
    co_return response;
  }

  Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> CommitTurn(
      PeerCall, session::v1::CommitTurnRequest request) override {
    MutexLock lock(mutex_);
    if (auto failure = TakeFailure(commit_failures_)) co_return *std::move(failure);
    session::v1::CommitTurnResponse response;
    const std::string& name = request.turn().name();
    if (const auto ended = ended_.find(name); ended != ended_.end()) {
      *response.mutable_turn() = ended->second;
      response.set_already_committed(true);
      co_return response;
    }
    if (fenced_) co_return Fenced();
    if (!begun_.contains(name) && !request.with_input()) {
      co_return Refusal(absl::StatusCode::kFailedPrecondition, "NOT_BEGUN", name);
    }
    if (request.with_input() && request.turn().input().empty()) {
      co_return FieldInvalid("turn.input", "no parts", "at least one");
    }
    *response.mutable_turn() = request.turn();
    if (!request.with_input()) *response.mutable_turn()->mutable_input() = begun_.at(name);
    ended_.emplace(name, response.turn());
    commits_.push_back(name);
    co_return response;
  }

  Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(PeerCall,
                                                    session::v1::GetTurnRequest request) override {
    MutexLock lock(mutex_);
    const auto ended = ended_.find(request.name());
    if (ended == ended_.end()) {
      co_return Refusal(absl::StatusCode::kNotFound, "TURN_NOT_FOUND", request.name());
    }
    co_return ended->second;
  }

  // Each answers one call instead of it.
  void FailEnsures(std::vector<absl::Status> failures) {
    MutexLock lock(mutex_);
    ensure_failures_.assign(failures.begin(), failures.end());
  }
  void FailBegins(std::vector<absl::Status> failures) {
    MutexLock lock(mutex_);
    begin_failures_.assign(failures.begin(), failures.end());
  }
  void FailAppends(std::vector<absl::Status> failures) {
    MutexLock lock(mutex_);
    append_failures_.assign(failures.begin(), failures.end());
  }
  void FailCommits(std::vector<absl::Status> failures) {
    MutexLock lock(mutex_);
    commit_failures_.assign(failures.begin(), failures.end());
  }
  // As after a takeover by a newer owner.
  void Fence() {
    MutexLock lock(mutex_);
    fenced_ = true;
  }
  // As after a power cut, which loses what was not synced.
  void ForgetSessions() {
    MutexLock lock(mutex_);
    sessions_.clear();
  }
  bool Has(const std::string& session) const {
    MutexLock lock(mutex_);
    return sessions_.contains(session);
  }
  void ForgetBegins() {
    MutexLock lock(mutex_);
    begun_.clear();
  }
  void End(chat::v1::Turn turn) {
    MutexLock lock(mutex_);
    ended_.emplace(turn.name(), std::move(turn));
  }

  // Turn names in the order in which they ended.
  std::vector<std::string> commits() const {
    MutexLock lock(mutex_);
    return commits_;
  }
  // Calls of ResolveSession.
  int resolved() const {
    MutexLock lock(mutex_);
    return resolved_;
  }

  std::vector<session::v1::BeginTurnRequest> begins() const {
    MutexLock lock(mutex_);
    return begins_;
  }

  std::vector<chat::v1::Step> steps(const std::string& turn) const {
    MutexLock lock(mutex_);
    const auto found = steps_.find(turn);
    return found == steps_.end() ? std::vector<chat::v1::Step>() : found->second;
  }

  session::v1::Context context;

 private:
  static absl::Status Fenced() {
    return Refusal(absl::StatusCode::kFailedPrecondition, "FENCED", "a newer fence was seen");
  }
  static std::optional<absl::Status> TakeFailure(std::deque<absl::Status>& failures) {
    if (failures.empty()) return std::nullopt;
    absl::Status failure = std::move(failures.front());
    failures.pop_front();
    return failure;
  }

  mutable Mutex mutex_;
  int resolved_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int64_t> sessions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, chat::v1::Turn> ended_ ABSL_GUARDED_BY(mutex_);
  // With what each was begun.
  std::map<std::string, google::protobuf::RepeatedPtrField<chat::v1::Part>> begun_
      ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> commits_ ABSL_GUARDED_BY(mutex_);
  std::vector<session::v1::BeginTurnRequest> begins_ ABSL_GUARDED_BY(mutex_);
  std::deque<absl::Status> ensure_failures_ ABSL_GUARDED_BY(mutex_);
  std::deque<absl::Status> begin_failures_ ABSL_GUARDED_BY(mutex_);
  std::deque<absl::Status> append_failures_ ABSL_GUARDED_BY(mutex_);
  std::deque<absl::Status> commit_failures_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<chat::v1::Step>> steps_ ABSL_GUARDED_BY(mutex_);
  bool fenced_ ABSL_GUARDED_BY(mutex_) = false;
};

// Thread-safe.
class FakeMemoryPeer : public MemoryPeer {
 public:
  Awaitable<absl::StatusOr<memory::v1::RecallResponse>> Recall(PeerCall,
                                                               memory::v1::RecallRequest) override {
    if (on_recall) on_recall();
    co_return recall;
  }
  Awaitable<absl::StatusOr<memory::v1::IngestResponse>> Ingest(
      PeerCall, memory::v1::IngestRequest request) override {
    MutexLock lock(mutex_);
    if (!failures_.empty()) {
      absl::Status failure = std::move(failures_.front());
      failures_.pop_front();
      co_return failure;
    }
    ingested_.push_back(request.turn());
    last_ingest_ = std::move(request);
    co_return memory::v1::IngestResponse();
  }

  void FailIngests(std::vector<absl::Status> failures) {
    MutexLock lock(mutex_);
    failures_.assign(failures.begin(), failures.end());
  }
  std::vector<std::string> ingested() const {
    MutexLock lock(mutex_);
    return ingested_;
  }

  memory::v1::IngestRequest last_ingest() const {
    MutexLock lock(mutex_);
    return last_ingest_;
  }

  absl::StatusOr<memory::v1::RecallResponse> recall = memory::v1::RecallResponse();
  // Null: nothing happens before the answer.
  std::function<void()> on_recall;

 private:
  mutable Mutex mutex_;
  std::vector<std::string> ingested_ ABSL_GUARDED_BY(mutex_);
  memory::v1::IngestRequest last_ingest_ ABSL_GUARDED_BY(mutex_);
  std::deque<absl::Status> failures_ ABSL_GUARDED_BY(mutex_);
};

// Answers the n-th call with the n-th script, and "ok" when there is none. Thread-safe.
class FakeProviderPeer : public ProviderPeer {
 public:
  using Event = provider::v1::GenerateEvent;
  // Events, then this status; OK after them ends the stream. `hangs`: nothing after the events
  // until the call is stopped.
  struct Script {
    std::vector<Event> events;
    absl::Status end;
    bool hangs = false;
    // Called before the last event.
    std::function<void()> before_last = nullptr;
  };

  std::unique_ptr<GenerateStream> Generate(PeerCall call,
                                           provider::v1::GenerateRequest request) override {
    MutexLock lock(mutex_);
    requests_.push_back(std::move(request));
    Script script = Answer("ok");
    if (!scripts_.empty()) {
      script = std::move(scripts_.front());
      scripts_.pop_front();
    }
    return std::make_unique<Stream>(std::move(script), std::move(call.stop));
  }

  void Next(Script script) {
    MutexLock lock(mutex_);
    scripts_.push_back(std::move(script));
  }
  std::vector<provider::v1::GenerateRequest> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }

  static Event Delta(const std::string& text) {
    Event event;
    event.mutable_delta()->set_kind(chat::v1::Delta::TEXT);
    event.mutable_delta()->set_text(text);
    return event;
  }
  static Script Answer(const std::string& text) {
    Event finished;
    finished.mutable_finished()->mutable_message()->set_role(chat::v1::ASSISTANT);
    finished.mutable_finished()->mutable_message()->add_parts()->mutable_text()->set_text(text);
    finished.mutable_finished()->set_finish_reason(chat::v1::STOP);
    finished.mutable_finished()->mutable_usage()->set_input_tokens(100);
    finished.mutable_finished()->mutable_usage()->set_output_tokens(10);
    finished.mutable_finished()->set_cost_nano_usd(1234);
    return {.events = {Delta(text), finished}, .end = absl::OkStatus()};
  }
  // Says `text`, then calls these tools: (id, name).
  static Script Calls(const std::string& text,
                      const std::vector<std::pair<std::string, std::string>>& calls) {
    Script script = Answer(text);
    auto* finished = script.events.back().mutable_finished();
    for (const auto& [id, name] : calls) {
      auto* call = finished->mutable_message()->add_parts()->mutable_tool_call();
      call->set_id(id);
      call->set_name(name);
      call->set_arguments("{}");
    }
    finished->set_finish_reason(chat::v1::TOOL_CALLS);
    return script;
  }
  static Event Failure(chat::v1::ErrorKind kind) {
    Event event;
    event.mutable_failed()->set_kind(kind);
    event.mutable_failed()->set_message(absl::StrCat("the provider: ", kind));
    return event;
  }

 private:
  class Stream : public GenerateStream {
   public:
    Stream(Script script, std::stop_token stop)
        : script_(std::move(script)), stop_(std::move(stop)) {}

    Awaitable<absl::StatusOr<std::optional<Event>>> Next() override {
      if (script_.before_last && next_ + 1 == script_.events.size()) script_.before_last();
      if (next_ < script_.events.size()) co_return script_.events[next_++];
      if (script_.hangs) {
        const auto stopped = std::make_shared<OneShot<bool>>();
        std::stop_callback on_stop(stop_, [stopped] { stopped->Set(true); });
        co_await stopped->Wait();
        co_return absl::CancelledError("stopped");
      }
      if (!script_.end.ok()) co_return script_.end;
      co_return std::nullopt;
    }

   private:
    const Script script_;
    const std::stop_token stop_;
    size_t next_ = 0;
  };

  mutable Mutex mutex_;
  std::deque<Script> scripts_ ABSL_GUARDED_BY(mutex_);
  std::vector<provider::v1::GenerateRequest> requests_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
