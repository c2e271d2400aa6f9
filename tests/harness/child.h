// One program that was started: watched, signalled by pid, always reaped.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "tests/harness/spawner.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::harness {

// How a program ended.
struct Ending {
  // 0 when a signal ended it.
  int exit_code = 0;
  // 0 when it exited.
  int signal = 0;

  bool ok() const { return exit_code == 0 && signal == 0; }
  // "exit code 1", "SIGKILL" …
  std::string ToString() const;
};

// Not thread-safe.
class Child {
 public:
  static absl::StatusOr<std::unique_ptr<Child>> Start(Spawner& spawner, const Command& command);
  // Kills its process group when it still runs, and reaps it.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }

  // To the program alone. Nothing happens when it has ended.
  void Signal(int number);
  // How it ended, or nothing when it still runs after `timeout`. What it had started and left
  // behind is killed.
  std::optional<Ending> WaitFor(absl::Duration timeout);

 private:
  Child(pid_t pid, int descriptor) : pid_(pid), descriptor_(descriptor) {}

  const pid_t pid_;
  // Of pidfd_open: readable when the program has ended.
  const int descriptor_;
  std::optional<Ending> ending_;
};

}  // namespace penstock::harness
