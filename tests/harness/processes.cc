#include "tests/harness/processes.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "libs/base/status_macros.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

constexpr absl::Duration kLookAgain = absl::Milliseconds(2);

std::string ReadFrom(const std::string& path, size_t offset) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

size_t SizeOf(const std::string& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? 0 : size;
}

// The first whole line of `text` that begins with `prefix`, or "".
std::string LineWith(absl::string_view text, absl::string_view prefix) {
  const auto end = text.rfind('\n');
  if (end == absl::string_view::npos) return "";
  for (const absl::string_view line : absl::StrSplit(text.substr(0, end), '\n')) {
    if (absl::StartsWith(line, prefix)) return std::string(line);
  }
  return "";
}

}  // namespace

std::string BinaryPath(absl::string_view name) {
  const char* folder = std::getenv("PENSTOCK_BIN_DIR");
  const std::string base =
      folder != nullptr ? folder : absl::StrCat(PENSTOCK_SOURCE_DIR, "/build/release/bin");
  return (std::filesystem::absolute(base) / std::string(name)).string();
}

struct Processes::Entry {
  explicit Entry(Program started) : program(std::move(started)) {}

  const Program program;
  Mutex mutex;
  std::unique_ptr<Child> child ABSL_GUARDED_BY(mutex);
  // We ended it, or it never ran.
  bool expected_to_end ABSL_GUARDED_BY(mutex) = true;

  bool Running() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return child != nullptr && !child->WaitFor(absl::ZeroDuration());
  }
};

Processes::Processes(std::string folder) : folder_(std::move(folder)) {}

Processes::~Processes() {
  MutexLock lock(mutex_);
  // The caller of a service goes before it.
  while (!entries_.empty()) entries_.pop_back();
}

absl::StatusOr<std::string> Processes::Start(const Program& program) {
  auto entry = std::make_shared<Entry>(program);
  {
    MutexLock lock(mutex_);
    for (const auto& other : entries_) {
      if (other->program.name == program.name) return absl::AlreadyExistsError(program.name);
    }
    entries_.push_back(entry);
  }
  return Run(*entry, {});
}

absl::StatusOr<std::string> Processes::Restart(absl::string_view name,
                                               const std::vector<std::string>& environment) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto entry, Find(name));
  return Run(*entry, environment);
}

absl::StatusOr<Ending> Processes::AwaitEnding(absl::string_view name, absl::Duration timeout) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto entry, Find(name));
  MutexLock lock(entry->mutex);
  if (entry->child == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(name, ": never ran"));
  }
  if (const auto ending = entry->child->WaitFor(timeout)) {
    entry->expected_to_end = true;
    return *ending;
  }
  return absl::DeadlineExceededError(
      absl::StrCat(name, ": still runs after ", absl::FormatDuration(timeout)));
}

absl::StatusOr<std::string> Processes::Run(Entry& entry,
                                           const std::vector<std::string>& environment) {
  const Program& program = entry.program;
  MutexLock lock(entry.mutex);
  if (entry.Running()) {
    return absl::FailedPreconditionError(absl::StrCat(program.name, ": runs already"));
  }
  const std::string output = File(program.name, ".out");
  const size_t before = SizeOf(output);
  std::vector<std::string> variables = program.environment;
  variables.insert(variables.end(), environment.begin(), environment.end());
  PENSTOCK_ASSIGN_OR_RETURN(entry.child,
                            Child::Start(spawner_, {.program = program.binary,
                                                    .arguments = program.arguments,
                                                    .folder = folder_,
                                                    .output_file = output,
                                                    .error_file = File(program.name, ".err"),
                                                    .environment = std::move(variables)}));
  entry.expected_to_end = false;
  const absl::Time deadline = absl::Now() + program.start_timeout;
  while (absl::Now() < deadline) {
    const auto ending = entry.child->WaitFor(kLookAgain);
    if (std::string line = LineWith(ReadFrom(output, before), program.ready_prefix);
        !line.empty()) {
      return line;
    }
    if (!ending) continue;
    entry.expected_to_end = true;
    return absl::AbortedError(absl::StrCat(program.name, " ended with ", ending->ToString(),
                                           " before it was ready:\n", Tail(program.name, 20)));
  }
  entry.child = nullptr;
  entry.expected_to_end = true;
  return absl::DeadlineExceededError(absl::StrCat(program.name, ": no ready line within ",
                                                  absl::FormatDuration(program.start_timeout),
                                                  ":\n", Tail(program.name, 20)));
}

absl::Status Processes::Kill(absl::string_view name) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto entry, Find(name));
  MutexLock lock(entry->mutex);
  if (!entry->Running()) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": had ended before it was killed:\n", Tail(name, 20)));
  }
  entry->expected_to_end = true;
  entry->child->Signal(SIGKILL);
  if (entry->child->WaitFor(absl::Seconds(60))) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(name, ": survives SIGKILL"));
}

absl::StatusOr<Ending> Processes::Terminate(absl::string_view name, absl::Duration timeout) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto entry, Find(name));
  MutexLock lock(entry->mutex);
  if (entry->child == nullptr)
    return absl::FailedPreconditionError(absl::StrCat(name, ": never ran"));
  entry->expected_to_end = true;
  entry->child->Signal(SIGTERM);
  auto ending = entry->child->WaitFor(timeout);
  if (ending) return *ending;
  entry->child->Signal(SIGKILL);
  ending = entry->child->WaitFor(absl::Seconds(60));
  if (ending) return *ending;
  return absl::DeadlineExceededError(absl::StrCat(name, ": survives SIGKILL"));
}

absl::Status Processes::StopAll() {
  std::vector<std::string> running = names();
  std::vector<std::string> complaints;
  for (auto name = running.rbegin(); name != running.rend(); ++name) {
    if (pid(*name) == 0) continue;
    const auto ending = Terminate(*name);
    if (ending.ok() && ending->ok()) continue;
    complaints.push_back(absl::StrCat(
        *name, " ended with ", ending.ok() ? ending->ToString() : ending.status().ToString()));
  }
  if (complaints.empty()) return absl::OkStatus();
  return absl::AbortedError(absl::StrJoin(complaints, "\n"));
}

absl::Status Processes::CheckRunning() {
  std::vector<std::string> complaints;
  for (const std::string& name : names()) {
    const auto entry = Find(name);
    MutexLock lock((*entry)->mutex);
    if ((*entry)->expected_to_end || (*entry)->Running()) continue;
    const auto ending = (*entry)->child->WaitFor(absl::ZeroDuration());
    complaints.push_back(
        absl::StrCat(name, " ended by itself with ", ending->ToString(), ":\n", Tail(name, 20)));
  }
  if (complaints.empty()) return absl::OkStatus();
  return absl::AbortedError(absl::StrJoin(complaints, "\n"));
}

pid_t Processes::pid(absl::string_view name) {
  const auto entry = Find(name);
  if (!entry.ok()) return 0;
  MutexLock lock((*entry)->mutex);
  return (*entry)->Running() ? (*entry)->child->pid() : 0;
}

std::vector<std::string> Processes::names() {
  MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(entry->program.name);
  return names;
}

std::string Processes::Logs(size_t lines_each) {
  std::string logs;
  for (const std::string& name : names()) {
    absl::StrAppend(&logs, "--- ", name, "\n", Tail(name, lines_each));
  }
  return logs;
}

absl::StatusOr<std::shared_ptr<Processes::Entry>> Processes::Find(absl::string_view name) {
  MutexLock lock(mutex_);
  for (const auto& entry : entries_) {
    if (entry->program.name == name) return entry;
  }
  return absl::NotFoundError(absl::StrCat("no program ", name));
}

std::string Processes::File(absl::string_view name, absl::string_view suffix) const {
  return absl::StrCat(folder_, "/", name, suffix);
}

std::string Processes::Tail(absl::string_view name, size_t lines) const {
  std::string tail;
  for (const absl::string_view suffix : {".out", ".err"}) {
    const std::string text = ReadFrom(File(name, suffix), 0);
    std::vector<absl::string_view> all = absl::StrSplit(text, '\n', absl::SkipEmpty());
    const size_t skipped = all.size() > lines ? all.size() - lines : 0;
    for (size_t i = skipped; i < all.size(); ++i) absl::StrAppend(&tail, all[i], "\n");
  }
  return tail;
}

}  // namespace penstock::harness
