#include "tests/harness/spawner.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <future>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Everything the child needs, made before the fork: after it, in a program with threads, nothing
// may allocate.
struct Prepared {
  explicit Prepared(const Command& command) : argument_texts{command.program} {
    for (const std::string& argument : command.arguments) argument_texts.push_back(argument);
    for (char** variable = environ; *variable != nullptr; ++variable) {
      environment_texts.emplace_back(*variable);
    }
    // The last of two equal names would lose in most programs, so ours come first.
    environment_texts.insert(environment_texts.begin(), command.environment.begin(),
                             command.environment.end());
    arguments = Pointers(argument_texts);
    environment = Pointers(environment_texts);
  }

  std::vector<std::string> argument_texts;
  std::vector<std::string> environment_texts;
  std::vector<char*> arguments;
  std::vector<char*> environment;
};

bool Redirect(const char* file, int descriptor) {
  const int opened = open(file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  return opened >= 0 && dup2(opened, descriptor) >= 0;
}

[[noreturn]] void BecomeProgram(const Command& command, const Prepared& prepared, pid_t parent,
                                int report) {
  sigset_t none;
  sigemptyset(&none);
  const bool ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
                     setpgid(0, 0) == 0 && sigprocmask(SIG_SETMASK, &none, nullptr) == 0 &&
                     signal(SIGPIPE, SIG_DFL) != SIG_ERR && chdir(command.folder.c_str()) == 0 &&
                     Redirect("/dev/null", STDIN_FILENO) &&
                     Redirect(command.output_file.c_str(), STDOUT_FILENO) &&
                     Redirect(command.error_file.c_str(), STDERR_FILENO) &&
                     close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  if (ready)
    execve(command.program.c_str(), prepared.arguments.data(), prepared.environment.data());
  const int error = errno;
  if (write(report, &error, sizeof(error)) < 0) _exit(126);
  _exit(127);
}

absl::StatusOr<pid_t> Fork(const Command& command) {
  const Prepared prepared(command);
  // Closed by the exec; before that the child writes into it why there was none.
  std::array<int, 2> report;
  if (pipe2(report.data(), O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BecomeProgram(command, prepared, parent, report[1]);
  const int fork_error = errno;
  close(report[1]);
  int error = 0;
  const bool failed = pid > 0 && read(report[0], &error, sizeof(error)) > 0;
  close(report[0]);
  if (pid < 0) return absl::ErrnoToStatus(fork_error, "fork");
  if (!failed) return pid;
  waitpid(pid, nullptr, 0);
  return absl::ErrnoToStatus(error, absl::StrCat("cannot start ", command.program));
}

}  // namespace

Spawner::Spawner() : thread_([this] { Work(); }) {}

Spawner::~Spawner() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

absl::StatusOr<pid_t> Spawner::Spawn(const Command& command) {
  std::promise<absl::StatusOr<pid_t>> answer;
  {
    MutexLock lock(mutex_);
    work_.emplace_back([&] { answer.set_value(Fork(command)); });
  }
  changed_.NotifyAll();
  return answer.get_future().get();
}

bool Spawner::HasWork() const { return stopping_ || !work_.empty(); }

void Spawner::Work() {
  while (true) {
    std::function<void()> next;
    {
      MutexLock lock(mutex_);
      while (!HasWork()) changed_.Wait(mutex_);
      if (work_.empty()) return;
      next = std::move(work_.front());
      work_.pop_front();
    }
    next();
  }
}

}  // namespace penstock::harness
