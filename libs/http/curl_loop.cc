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

CURLM* MakeMulti() {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = initialized == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi != nullptr) return multi;
  Log(Severity::kError, "libcurl cannot be initialized");
  std::abort();
}

int ToCurlEvents(uint32_t events) {
  int result = 0;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) result |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) result |= CURL_CSELECT_OUT;
  if (events & EPOLLERR) result |= CURL_CSELECT_ERR;
  return result;
}

}  // namespace

CurlLoop::CurlLoop(const CurlClientOptions& options, Clock& clock)
    : clock_(clock),
      wake_fd_(MakeEventFd()),
      timers_(clock, [this] { Wake(); }),
      multi_(MakeMulti()),
      now_(clock.Monotonic()) {
  transfer_options_ = {.user_agent = options.user_agent,
                       .ca_file = options.ca_file,
                       .max_header_bytes = options.max_header_bytes,
                       .now = &now_,
                       .hurried = &hurried_,
                       .sockets = &sockets_,
                       .open_socket = &CurlSockets::Open,
                       .close_socket = &CurlSockets::Close};
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_kept_connections));
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
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
  transfers_.clear();
  curl_multi_cleanup(multi_);
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
    RunCurlTimer();
    ReadResults();
    CheckLimits();
    timers_.RunDue();
  }
  CancelAll();
}

int CurlLoop::SleepTime() {
  {
    MutexLock lock(mutex_);
    if (!commands_.empty() || stopping_) return 0;
  }
  absl::Duration due = std::min(curl_due_, timers_.NextDue());
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
  int running = 0;
  for (int i = 0; i < count; ++i) {
    const int fd = events[static_cast<size_t>(i)].data.fd;
    if (fd == wake_fd_) {
      uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = read(wake_fd_, &ignored, sizeof(ignored));
    } else if (sockets_.Wanted(fd)) {
      curl_multi_socket_action(multi_, fd, ToCurlEvents(events[static_cast<size_t>(i)].events),
                               &running);
    }
  }
}

void CurlLoop::RunCommands() {
  {
    MutexLock lock(mutex_);
    batch_.swap(commands_);
  }
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

void CurlLoop::StartNow(Command command) {
  if (free_.empty()) {
    transfers_.push_back(std::make_unique<CurlTransfer>(transfer_options_));
    free_.push_back(transfers_.back().get());
  }
  CurlTransfer& transfer = *free_.back();
  free_.pop_back();
  transfer.Prepare(command.call, std::move(command.request), std::move(command.observer));
  running_.emplace(command.call, &transfer);
  Arm(transfer, transfer.NextDue());
  curl_multi_add_handle(multi_, transfer.easy());
}

void CurlLoop::Arm(CurlTransfer& transfer, absl::Duration due) {
  limits_.erase({transfer.armed(), &transfer});
  transfer.set_armed(due);
  if (due != absl::InfiniteDuration()) limits_.emplace(due, &transfer);
}

void CurlLoop::RunCurlTimer() {
  // libcurl asks for a timer only when its wish changes, so the old one is forgotten first.
  while (curl_due_ <= now_) {
    curl_due_ = absl::InfiniteDuration();
    int running = 0;
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }
}

void CurlLoop::ReadResults() {
  int rest = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &rest)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* self = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
    auto& transfer = *reinterpret_cast<CurlTransfer*>(self);
    End(transfer, transfer.OutcomeOf(code));
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
  curl_multi_remove_handle(multi_, transfer.easy());
  running_.erase(transfer.id());
  Arm(transfer, absl::InfiniteDuration());
  transfer.Finish(std::move(outcome));
  free_.push_back(&transfer);
}

void CurlLoop::CancelAll() {
  RunCommands();
  while (!running_.empty()) {
    CurlTransfer& transfer = *running_.begin()->second;
    End(transfer, transfer.Stopped(HttpOutcome::Kind::kCancelled, "the HTTP client ends"));
    RunCommands();  // what the observer has started meanwhile
  }
}

int CurlLoop::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  static_cast<CurlLoop*>(self)->sockets_.Watch(socket, what);
  return 0;
}

int CurlLoop::OnTimer(CURLM*, long timeout_ms, void* self) {
  auto& loop = *static_cast<CurlLoop*>(self);
  loop.curl_due_ =
      timeout_ms < 0 ? absl::InfiniteDuration() : loop.now_ + absl::Milliseconds(timeout_ms);
  return 0;
}

}  // namespace penstock::http
