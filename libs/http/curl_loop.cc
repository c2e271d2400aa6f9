#include "libs/http/curl_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libs/base/log.h"

namespace penstock::http {
namespace {

int MakeEventFd() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd >= 0) return fd;
  Log(Severity::kError, "no eventfd for the HTTP client", {{"error", std::strerror(errno)}});
  std::abort();
}

std::shared_ptr<const HttpTransport> TransportOf(const CurlClientOptions& options) {
  return std::make_shared<HttpTransport>(HttpTransport{
      .max_kept_connections = options.max_kept_connections, .ca_file = options.ca_file});
}

}  // namespace

CurlLoop::CurlLoop(const CurlClientOptions& options, Clock& clock)
    : clock_(clock),
      wake_fd_(MakeEventFd()),
      timers_(clock, [this] { Wake(); }),
      now_(clock.Monotonic()),
      own_transport_(TransportOf(options)),
      transfer_options_{.user_agent = options.user_agent,
                        .max_header_bytes = options.max_header_bytes,
                        .now = &now_,
                        .hurried = &hurried_} {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_fd_;
  epoll_ctl(sockets_.epoll(), EPOLL_CTL_ADD, wake_fd_, &event);
  thread_ = std::thread([this] { Run(); });
}

CurlLoop::~CurlLoop() {
  stopping_ = true;
  Wake();
  thread_.join();
  close(wake_fd_);
}

HttpCallId CurlLoop::Start(HttpRequest request, std::shared_ptr<HttpObserver> observer) {
  const HttpCallId call = next_call_++;
  Post({.call = call, .request = std::move(request), .observer = std::move(observer)});
  return call;
}

void CurlLoop::Cancel(HttpCallId call) { Post({.call = call, .request = {}, .observer = nullptr}); }

void CurlLoop::Post(Command command) {
  {
    MutexLock lock(mutex_);
    commands_.push_back(std::move(command));
  }
  Wake();
}

void CurlLoop::Wake() {
  if (!asleep_.exchange(false)) return;
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread is awake.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

void CurlLoop::Run() {
  // Signals belong to main. SIGPIPE (TLS writes to a closed socket) becomes EPIPE.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stopping_) {
    WaitForEvents();
    RunCommands();
    RunCurlTimers();
    ReadResults();
    CheckLimits();
    for (const auto& [transport, pool] : pools_) pool->FinishRound();
    timers_.RunDue();
  }
  CancelAll();
}

int CurlLoop::SleepTime() {
  {
    MutexLock lock(mutex_);
    if (!commands_.empty() || stopping_) return 0;
  }
  absl::Duration due = timers_.NextDue();
  for (const auto& [transport, pool] : pools_) due = std::min(due, pool->NextDue());
  if (!limits_.empty()) due = std::min(due, limits_.begin()->first);
  if (due == absl::InfiniteDuration()) return -1;
  const absl::Duration rest = absl::Ceil(due - clock_.Monotonic(), absl::Milliseconds(1));
  return static_cast<int>(std::clamp(absl::ToInt64Milliseconds(rest), int64_t{0}, int64_t{60'000}));
}

void CurlLoop::WaitForEvents() {
  std::array<epoll_event, 128> events;
  asleep_ = true;  // before SleepTime looks: what comes later writes to wake_fd_
  const int count = epoll_wait(sockets_.epoll(), events.data(), events.size(), SleepTime());
  asleep_ = false;
  now_ = clock_.Monotonic();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.fd == wake_fd_) {
      uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = read(wake_fd_, &ignored, sizeof(ignored));
    } else if (CurlMulti* const multi = sockets_.WaiterOf(event.data.fd)) {
      multi->OnEvents(event.data.fd, event.events);
    }
  }
}

void CurlLoop::RunCommands() {
  {
    MutexLock lock(mutex_);
    batch_.swap(commands_);
  }
  if (!batch_.empty()) now_ = clock_.Monotonic();  // they came after the events
  for (Command& command : batch_) {
    if (command.observer) {
      StartNow(std::move(command));
    } else if (const auto found = running_.find(command.call); found != running_.end()) {
      CurlTransfer& transfer = *found->second;
      End(transfer, transfer.Stopped(HttpOutcome::Kind::kCancelled, "cancelled"));
    }
  }
  batch_.clear();
}

CurlPool& CurlLoop::PoolOf(const HttpRequest& request) {
  const auto& transport = request.transport ? request.transport : own_transport_;
  std::unique_ptr<CurlPool>& pool = pools_[transport.get()];
  if (pool == nullptr) pool = std::make_unique<CurlPool>(transport, transfer_options_, sockets_);
  return *pool;
}

void CurlLoop::StartNow(Command command) {
  CurlPool& pool = PoolOf(command.request);
  CurlTransfer& transfer =
      pool.Start(command.call, std::move(command.request), std::move(command.observer));
  running_.emplace(command.call, &transfer);
  Arm(transfer, transfer.NextDue());
}

void CurlLoop::Arm(CurlTransfer& transfer, absl::Duration due) {
  limits_.erase({transfer.armed(), &transfer});
  transfer.set_armed(due);
  if (due != absl::InfiniteDuration()) limits_.emplace(due, &transfer);
}

void CurlLoop::RunCurlTimers() {
  for (const auto& [transport, pool] : pools_) pool->RunTimers();
}

void CurlLoop::ReadResults() {
  for (const auto& [transport, pool] : pools_) {
    while (const auto done = pool->NextDone()) {
      End(*done->transfer, done->transfer->OutcomeOf(done->code));
    }
  }
}

void CurlLoop::CheckLimits() {
  for (CurlTransfer* transfer : hurried_) {
    if (running_.contains(transfer->id())) Arm(*transfer, transfer->NextDue());
  }
  hurried_.clear();
  while (!limits_.empty() && limits_.begin()->first <= now_) {
    CurlTransfer& transfer = *limits_.begin()->second;
    if (auto outcome = transfer.CheckLimits()) {
      End(transfer, *std::move(outcome));
    } else {
      Arm(transfer, transfer.NextDue());
    }
  }
}

void CurlLoop::End(CurlTransfer& transfer, HttpOutcome outcome) {
  CurlPool& pool = transfer.pool();
  pool.Stop(transfer, /*early=*/outcome.kind != HttpOutcome::Kind::kOk);
  running_.erase(transfer.id());
  Arm(transfer, absl::InfiniteDuration());
  transfer.Finish(std::move(outcome));
  pool.Reuse(transfer);
}

void CurlLoop::CancelAll() {
  RunCommands();
  while (!running_.empty()) {
    CurlTransfer& transfer = *running_.begin()->second;
    End(transfer, transfer.Stopped(HttpOutcome::Kind::kCancelled, "the HTTP client ends"));
    RunCommands();  // what the observer has started meanwhile
  }
}

}  // namespace penstock::http
