#include "tests/bench/turns/turn_load.h"

#include <utility>

#include <grpcpp/support/async_stream.h>

#include "absl/strings/str_cat.h"

namespace penstock::bench {
namespace {

using chat::v1::TurnEvent;

std::string ErrorOf(const grpc::Status& status, const chat::v1::Turn& turn) {
  if (!status.ok()) {
    return absl::StrCat("rpc ", static_cast<int>(status.error_code()), " ", status.error_message());
  }
  if (turn.state() == chat::v1::Turn::SUCCEEDED) return "";
  return absl::StrCat(chat::v1::Turn::State_Name(turn.state()), " ", turn.error().message());
}

}  // namespace

// Its own tag: it has one operation in the queue at a time.
class TurnLoad::StreamedTurn {
 public:
  StreamedTurn(TurnLoad& load, int64_t number, SteadyClock::time_point due, Observer observer)
      : load_(load), observer_(std::move(observer)), outcome_{.due = due, .end = due} {
    context_.AddMetadata("authorization",
                         load.workload_.Authorization(load.workload_.UserOf(number)));
    gateway::v1::StreamTurnRequest request;
    request.set_session(load.workload_.SessionOf(number));
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text(load.workload_.InputOf(number));
    const auto& stub = load.stubs_[static_cast<size_t>(number) % load.stubs_.size()];
    reader_ = stub->PrepareAsyncStreamTurn(&context_, request, &load.queue_);
  }

  void Start() { reader_->StartCall(this); }
  void Cancel() { context_.TryCancel(); }

  // After the last step the turn is no more.
  void Proceed(bool ok) {
    switch (step_) {
      case Step::kReading:
        if (ok) return Read();
        step_ = Step::kFinishing;
        return reader_->Finish(&status_, this);
      case Step::kFinishing:
        outcome_.end = SteadyClock::now();
        outcome_.error = ErrorOf(status_, turn_);
        load_.Remove(this);
        observer_.done(outcome_);
        delete this;
    }
  }

 private:
  enum class Step { kReading, kFinishing };

  // Looks at the event that has come, if one has, and asks for the next.
  void Read() {
    if (event_.has_delta() && !outcome_.first_token) {
      outcome_.first_token = SteadyClock::now();
      if (observer_.first_token) observer_.first_token();
    }
    if (event_.has_finished()) turn_ = std::move(*event_.mutable_finished()->mutable_turn());
    reader_->Read(&event_, this);
  }

  TurnLoad& load_;
  const Observer observer_;
  Outcome outcome_;
  Step step_ = Step::kReading;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReader<TurnEvent>> reader_;
  TurnEvent event_;
  chat::v1::Turn turn_;
  grpc::Status status_;
};

TurnLoad::TurnLoad(const Workload& workload, const Gateway& gateway, int connections)
    : workload_(workload) {
  for (int i = 0; i < connections; ++i) {
    stubs_.push_back(gateway::v1::Turns::NewStub(gateway.Open()));
  }
  thread_ = std::thread([this] { Work(); });
}

TurnLoad::~TurnLoad() {
  {
    MutexLock lock(mutex_);
    for (StreamedTurn* turn : live_) turn->Cancel();
    while (!live_.empty()) idle_.Wait(mutex_);
  }
  queue_.Shutdown();
  thread_.join();
}

void TurnLoad::Begin(int64_t number, SteadyClock::time_point due, Observer observer) {
  auto* turn = new StreamedTurn(*this, number, due, std::move(observer));
  {
    MutexLock lock(mutex_);
    live_.insert(turn);
  }
  turn->Start();
}

void TurnLoad::Work() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) static_cast<StreamedTurn*>(tag)->Proceed(ok);
}

void TurnLoad::Remove(StreamedTurn* turn) {
  MutexLock lock(mutex_);
  live_.erase(turn);
  if (live_.empty()) idle_.NotifyAll();
}

}  // namespace penstock::bench
