#include "tests/harness/child.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
// glibc 2.36 forgot to say that these are C.
extern "C" {
#include <sys/pidfd.h>
}

#include "libs/base/status_macros.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

// Until `descriptor` is readable; false after `timeout`.
bool AwaitReadable(int descriptor, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    pollfd watched{descriptor, POLLIN, 0};
    const auto left = absl::ToInt64Milliseconds(deadline - absl::Now() + absl::Microseconds(999));
    const int found = poll(&watched, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (found > 0) return true;
    if (found == 0 || errno != EINTR) return false;
  }
}

}  // namespace

std::string Ending::ToString() const {
  if (signal != 0) return absl::StrCat("SIG", sigabbrev_np(signal));
  return absl::StrCat("exit code ", exit_code);
}

absl::StatusOr<std::unique_ptr<Child>> Child::Start(Spawner& spawner, const Command& command) {
  PENSTOCK_ASSIGN_OR_RETURN(const pid_t pid, spawner.Spawn(command));
  const int descriptor = pidfd_open(pid, 0);
  if (descriptor >= 0) return std::unique_ptr<Child>(new Child(pid, descriptor));
  const int error = errno;
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return absl::ErrnoToStatus(error, "pidfd_open");
}

Child::~Child() {
  if (!ending_) {
    Signal(SIGKILL);
    WaitFor(absl::Hours(1));
  }
  close(descriptor_);
}

void Child::Signal(int number) {
  if (!ending_) pidfd_send_signal(descriptor_, number, nullptr, 0);
}

std::optional<Ending> Child::WaitFor(absl::Duration timeout) {
  if (ending_ || !AwaitReadable(descriptor_, timeout)) return ending_;
  // While it is not reaped its process group is surely its own: what it started ends with it.
  kill(-pid_, SIGKILL);
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) return ending_;
  ending_ = WIFEXITED(status) ? Ending{.exit_code = WEXITSTATUS(status)}
                              : Ending{.signal = WTERMSIG(status)};
  return ending_;
}

}  // namespace penstock::harness
