#include "services/cli/interrupts.h"

#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace penstock::cli {

Interrupts::Interrupts(std::initializer_list<int> signals) {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  for (const int signal : signals) sigaddset(&interrupt, signal);
  pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);
  descriptor_ = signalfd(-1, &interrupt, SFD_CLOEXEC | SFD_NONBLOCK);
}

Interrupts::~Interrupts() { close(descriptor_); }

void Interrupts::Take() const {
  signalfd_siginfo taken;
  [[maybe_unused]] const ssize_t size = read(descriptor_, &taken, sizeof(taken));
}

InterruptWatch::InterruptWatch(const Interrupts& interrupts, std::function<void()> action)
    : stop_(eventfd(0, EFD_CLOEXEC)),
      thread_([this, &interrupts, action = std::move(action)] { Watch(interrupts, action); }) {}

InterruptWatch::~InterruptWatch() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(stop_, &one, sizeof(one));
  thread_.join();
  close(stop_);
}

void InterruptWatch::Watch(const Interrupts& interrupts,
                           const std::function<void()>& action) const {
  pollfd sources[] = {{interrupts.descriptor(), POLLIN, 0}, {stop_, POLLIN, 0}};
  while (true) {
    if (poll(sources, 2, -1) < 0) continue;
    if (sources[1].revents != 0) return;
    interrupts.Take();
    action();
  }
}

}  // namespace penstock::cli
