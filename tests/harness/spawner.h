// Starts programs from one thread that lives as long as they may.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "libs/base/mutex.h"

#include "absl/status/statusor.h"

namespace penstock::harness {

struct Command {
  // Path of the program.
  std::string program;
  std::vector<std::string> arguments;
  // Working folder.
  std::string folder;
  // Files that standard output and standard error are appended to.
  std::string output_file;
  std::string error_file;
  // "NAME=value", added to this process's environment.
  std::vector<std::string> environment;
};

// Linux kills a child with PR_SET_PDEATHSIG when the *thread* that started it ends, so a test's own
// short-lived threads must not start one. Children get a process group of their own (Ctrl-C in a
// terminal reaches only the test) and SIGKILL when the test dies, however it dies.
//
// Thread-safe. Outlives the children.
class Spawner {
 public:
  Spawner();
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  // The pid; whoever asked reaps it. An error names the program and the system's reason.
  absl::StatusOr<pid_t> Spawn(const Command& command);

 private:
  void Work();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> work_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace penstock::harness
