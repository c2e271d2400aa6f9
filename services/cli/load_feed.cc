#include "services/cli/load_feed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libs/rpc/status.h"
#include "penstock/dispatcher/v1/operations.grpc.pb.h"

namespace penstock::cli {

using dispatcher::v1::Load;
using dispatcher::v1::Operations;

LoadFeed::LoadFeed(const Connection& connection, absl::Duration interval)
    : connection_(connection),
      interval_(interval),
      descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Run(); }) {}

LoadFeed::~LoadFeed() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (call_ != nullptr) call_->TryCancel();
  }
  changed_.notify_all();
  thread_.join();
  close(descriptor_);
}

absl::StatusOr<Load> LoadFeed::Take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return answer_.has_value(); });
  uint64_t answers;
  [[maybe_unused]] const ssize_t size = read(descriptor_, &answers, sizeof(answers));
  return *std::exchange(answer_, std::nullopt);
}

void LoadFeed::Run() {
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    lock.unlock();
    auto answer = Ask();
    lock.lock();
    answer_ = std::move(answer);
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t size = write(descriptor_, &one, sizeof(one));
    changed_.notify_all();
    next = std::max(next + absl::ToChronoNanoseconds(interval_), std::chrono::steady_clock::now());
    changed_.wait_until(lock, next, [this] { return stopped_; });
  }
}

absl::StatusOr<Load> LoadFeed::Ask() {
  grpc::ClientContext context;
  connection_.Prepare(context, Connection::kUsualPatience);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return absl::CancelledError("stopped");
    call_ = &context;
  }
  Load load;
  absl::Status status =
      rpc::FromGrpc(Operations::Stub(connection_.channel())
                        .GetLoad(&context, dispatcher::v1::GetLoadRequest(), &load));
  const std::lock_guard lock(mutex_);
  call_ = nullptr;
  if (!status.ok()) return status;
  return load;
}

}  // namespace penstock::cli
