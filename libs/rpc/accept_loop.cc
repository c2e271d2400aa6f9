#include "libs/rpc/accept_loop.h"

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/base/clock.h"
#include "libs/base/log.h"

namespace penstock::rpc {
namespace {

// For the gauge.
constexpr absl::Duration kSweepInterval = absl::Seconds(1);
// While the limit is reached, whoever comes may be the first to notice that another has gone.
constexpr absl::Duration kSweepIntervalWhenFull = absl::Milliseconds(100);
// While a stop waits for the last ones.
constexpr absl::Duration kSweepIntervalWhenDraining = absl::Milliseconds(1);
// Accepted from one listener before the others, and the phase, are looked at.
constexpr int kBatch = 64;

constexpr char kRefused[] = "penstock_rpc_server_connections_refused_total";
constexpr char kRefusedHelp[] = "Connections that were closed as soon as they came, by reason.";

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool NoDescriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

AcceptLoop::AcceptLoop(ListeningSockets sockets, int max_connections, HandOver hand_over,
                       obs::Metrics& metrics)
    : sockets_(std::move(sockets)),
      max_connections_(static_cast<size_t>(max_connections)),
      hand_over_(std::move(hand_over)),
      open_gauge_(metrics.AddGauge("penstock_rpc_server_connections",
                                   "Connections that are open; at most a second old.")),
      refused_by_limit_(metrics.AddCounter(kRefused, kRefusedHelp, {{"reason", "limit"}})),
      refused_by_descriptors_(
          metrics.AddCounter(kRefused, kRefusedHelp, {{"reason", "descriptors"}})),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      spare_(OpenSpare()),
      thread_([this] { Run(); }) {}

AcceptLoop::~AcceptLoop() {
  Enter(Phase::kEnding);
  thread_.join();
  open_gauge_.Set(0);
  close(wake_);
  if (spare_ >= 0) close(spare_);
}

void AcceptLoop::StopAccepting() {
  if (phase() != Phase::kAccepting) return;
  Enter(Phase::kClosing);
  MutexLock lock(mutex_);
  while (phase_ == Phase::kClosing) changed_.Wait(mutex_);
}

void AcceptLoop::AwaitClosed(absl::Duration patience) {
  {
    MutexLock lock(mutex_);
    drain_until_ = SystemClock().Monotonic() + patience;
  }
  Enter(Phase::kDraining);
  MutexLock lock(mutex_);
  while (phase_ == Phase::kDraining) changed_.Wait(mutex_);
}

void AcceptLoop::Run() {
  for (Phase now = phase(); now != Phase::kEnding; now = phase()) {
    if (now == Phase::kClosing) {
      sockets_.Close();
      Enter(Phase::kClosed);
      continue;
    }
    if (now == Phase::kDraining && Drained()) {
      Enter(Phase::kDrained);
      continue;
    }
    Wait();
    if (phase() == Phase::kAccepting) AcceptWaiting();
    if (SystemClock().Monotonic() - last_sweep_ >= kSweepInterval) Sweep();
  }
}

bool AcceptLoop::Drained() {
  Sweep();
  if (open_.count() == 0) return true;
  MutexLock lock(mutex_);
  return SystemClock().Monotonic() >= drain_until_;
}

void AcceptLoop::Wait() {
  std::vector<pollfd> waited = {{.fd = wake_, .events = POLLIN, .revents = 0}};
  for (const int listener : sockets_.descriptors()) {
    waited.push_back({.fd = listener, .events = POLLIN, .revents = 0});
  }
  const absl::Duration interval =
      phase() == Phase::kDraining ? kSweepIntervalWhenDraining : kSweepInterval;
  const int timeout =
      open_.count() > 0 ? static_cast<int>(absl::ToInt64Milliseconds(interval)) : -1;
  if (poll(waited.data(), waited.size(), timeout) <= 0 || waited[0].revents == 0) return;
  uint64_t woken = 0;
  if (read(wake_, &woken, sizeof(woken)) < 0 && errno != EAGAIN) {
    Log(Severity::kError, "the accept loop cannot be woken", {{"error", std::strerror(errno)}});
  }
}

void AcceptLoop::AcceptWaiting() {
  for (const int listener : sockets_.descriptors()) {
    int accepted = 0;
    while (accepted < kBatch && AcceptOne(listener)) ++accepted;
  }
}

bool AcceptLoop::AcceptOne(int listener) {
  const int connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection < 0) {
    if (NoDescriptors(errno)) return RefuseWithoutDescriptors(listener);
    // A client that has gone again (ECONNABORTED and its like) is no reason to stop.
    return errno != EAGAIN && errno != EWOULDBLOCK && errno != EBADF && errno != EINVAL;
  }
  if (Full()) {
    Refuse(connection, refused_by_limit_);
    return true;
  }
  open_.Add(connection);
  open_gauge_.Set(static_cast<double>(open_.count()));
  hand_over_(connection);
  return true;
}

bool AcceptLoop::Full() {
  if (open_.count() < max_connections_) return false;
  if (SystemClock().Monotonic() - last_sweep_ >= kSweepIntervalWhenFull) Sweep();
  return open_.count() >= max_connections_;
}

void AcceptLoop::Refuse(int connection, prometheus::Counter& counter) {
  counter.Increment();
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(connection);
}

bool AcceptLoop::RefuseWithoutDescriptors(int listener) {
  if (spare_ >= 0) close(spare_);
  const int connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection >= 0) Refuse(connection, refused_by_descriptors_);
  spare_ = OpenSpare();
  // Without a spare one, those who come wait in the backlog until a descriptor is free.
  if (connection < 0)
    std::this_thread::sleep_for(absl::ToChronoMilliseconds(kSweepIntervalWhenFull));
  return connection >= 0;
}

void AcceptLoop::Sweep() {
  open_.Sweep();
  last_sweep_ = SystemClock().Monotonic();
  open_gauge_.Set(static_cast<double>(open_.count()));
}

void AcceptLoop::Enter(Phase phase) {
  {
    MutexLock lock(mutex_);
    phase_ = phase;
    changed_.NotifyAll();
  }
  const uint64_t one = 1;
  if (write(wake_, &one, sizeof(one)) < 0) {
    Log(Severity::kError, "the accept loop cannot be woken", {{"error", std::strerror(errno)}});
  }
}

AcceptLoop::Phase AcceptLoop::phase() {
  MutexLock lock(mutex_);
  return phase_;
}

}  // namespace penstock::rpc
