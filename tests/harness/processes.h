// The programs of a test: started, awaited, killed, started again, and never left behind.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/mutex.h"
#include "tests/harness/child.h"
#include "tests/harness/spawner.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::harness {

// Path of one of our programs: in $PENSTOCK_BIN_DIR, else in build/release/bin of this source tree.
std::string BinaryPath(absl::string_view name);

struct Program {
  // What the test calls it; its output goes to NAME.out and NAME.err.
  std::string name;
  // Path of the program.
  std::string binary;
  std::vector<std::string> arguments = {};
  // How the line on standard output begins that says that it serves.
  std::string ready_prefix = "{\"ready\":";
  // "NAME=value".
  std::vector<std::string> environment = {};
  absl::Duration start_timeout = absl::Seconds(60);
};

// Thread-safe; calls about one program exclude each other, calls about others do not wait.
class Processes {
 public:
  // `folder`: exists; working folder of all programs, and where their output goes.
  explicit Processes(std::string folder);
  // Kills what still runs and reaps it.
  ~Processes();

  // The ready line, once it was printed. An error says how the program ended, or that it was not
  // ready in time (it is killed then), and what it wrote last. ALREADY_EXISTS for a name twice.
  absl::StatusOr<std::string> Start(const Program& program);
  // Starts a program that has ended with the same command, so at the same address.
  // `environment` is added for this life.
  absl::StatusOr<std::string> Restart(absl::string_view name,
                                      const std::vector<std::string>& environment = {});
  // How it ended by itself, as the test wanted it to. DEADLINE_EXCEEDED when it still runs.
  absl::StatusOr<Ending> AwaitEnding(absl::string_view name, absl::Duration timeout);

  // SIGKILL; the program has ended and is reaped on return. FAILED_PRECONDITION when it had ended
  // by itself before.
  absl::Status Kill(absl::string_view name);
  // SIGTERM, and SIGKILL after `timeout`. How it ended.
  absl::StatusOr<Ending> Terminate(absl::string_view name,
                                   absl::Duration timeout = absl::Seconds(60));
  // Terminates all, the last started first. An error names every program that did not end with
  // exit code 0.
  absl::Status StopAll();

  // An error names every program that has ended by itself, with what it wrote last.
  absl::Status CheckRunning();
  // 0 when it does not run.
  pid_t pid(absl::string_view name);
  std::vector<std::string> names();
  // The last lines that each program wrote.
  std::string Logs(size_t lines_each = 40);

 private:
  struct Entry;

  absl::StatusOr<std::shared_ptr<Entry>> Find(absl::string_view name);
  absl::StatusOr<std::string> Run(Entry& entry, const std::vector<std::string>& environment);
  std::string File(absl::string_view name, absl::string_view suffix) const;
  std::string Tail(absl::string_view name, size_t lines) const;

  const std::string folder_;
  Spawner spawner_;
  Mutex mutex_;
  // In the order of their first start.
  std::vector<std::shared_ptr<Entry>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::harness
