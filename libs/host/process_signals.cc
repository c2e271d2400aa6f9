#include "libs/host/process_signals.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "libs/base/log.h"

namespace penstock::host {
namespace {

constexpr int kExitAtOnce = 130;

int OpenSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

}  // namespace

ProcessSignals::ProcessSignals() : signals_fd_(OpenSignals()), end_fd_(eventfd(0, EFD_CLOEXEC)) {
  if (signals_fd_ < 0 || end_fd_ < 0) {
    Log(Severity::kError, "no file descriptor left to receive signals; the process ends");
    std::abort();
  }
  receiver_ = std::thread([this] { Receive(); });
}

ProcessSignals::~ProcessSignals() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(end_fd_, &one, sizeof(one));
  receiver_.join();
  close(end_fd_);
  close(signals_fd_);
}

int ProcessSignals::Next() {
  MutexLock lock(mutex_);
  while (stop_ == 0 && !hangup_) received_.Wait(mutex_);
  if (stop_ != 0) return stop_;
  hangup_ = false;
  return SIGHUP;
}

void ProcessSignals::Receive() {
  while (true) {
    pollfd sources[] = {{signals_fd_, POLLIN, 0}, {end_fd_, POLLIN, 0}};
    if (poll(sources, 2, -1) < 0 && errno != EINTR) return;
    if (sources[1].revents != 0) return;
    signalfd_siginfo signal = {};
    if (sources[0].revents == 0 || read(signals_fd_, &signal, sizeof(signal)) != sizeof(signal)) {
      continue;
    }
    MutexLock lock(mutex_);
    if (signal.ssi_signo == SIGHUP) {
      hangup_ = true;
    } else if (stop_ == 0) {
      stop_ = static_cast<int>(signal.ssi_signo);
    } else {
      Log(Severity::kWarning, "second signal: the process ends at once, running turns are cut");
      _exit(kExitAtOnce);
    }
    received_.NotifyAll();
  }
}

}  // namespace penstock::host
