#include "services/cli/tool_program.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/base/clock.h"
#include "services/cli/refusal_text.h"
#include "services/cli/utf8.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::cli {
namespace {

constexpr size_t kMaxOutputBytes = 256 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  void Close() {
    if (number_ >= 0) close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

pid_t Spawn(const std::string& command, int input, int output) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, pipe_signal;
  sigemptyset(&none);
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string shell = "sh", flag = "-c", text = command;
  char* arguments[] = {shell.data(), flag.data(), text.data(), nullptr};
  pid_t pid = -1;
  if (posix_spawn(&pid, "/bin/sh", &files, &attributes, arguments, environ) != 0) pid = -1;
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return pid;
}

// Readable when the process has ended. glibc 2.36 declares pidfd_open for C alone.
int OpenProcess(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

class Run {
 public:
  Run(pid_t pid, int input, int output, absl::string_view text)
      : pid_(pid), process_(OpenProcess(pid)), input_(input), output_(output), text_(text) {
    fcntl(input, F_SETFL, O_NONBLOCK);
    fcntl(output, F_SETFL, O_NONBLOCK);
  }

  ~Run() {
    kill(-pid_, SIGKILL);
    if (!reaped_) waitpid(pid_, nullptr, 0);
  }

  ToolOutcome Wait(absl::Duration patience, int stop) {
    const absl::Duration end = SystemClock().Monotonic() + patience;
    while (true) {
      pollfd sources[] = {{stop, POLLIN, 0},
                          {process_.number(), POLLIN, 0},
                          {output_.number(), POLLIN, 0},
                          {input_.number(), POLLOUT, 0}};
      const absl::Duration left = end - SystemClock().Monotonic();
      if (left <= absl::ZeroDuration()) {
        return Failed(absl::StrCat("the tool took longer than ",
                                   DurationText(absl::ToDoubleSeconds(patience))));
      }
      const auto milliseconds = absl::ToInt64Milliseconds(std::min(left, absl::Hours(1))) + 1;
      if (poll(sources, 4, static_cast<int>(milliseconds)) < 0) continue;
      if (sources[0].revents != 0) return {.content = "", .stopped = true};
      if (sources[3].revents != 0) WriteSome();
      if (sources[2].revents != 0) ReadSome();
      if (printed_.size() > kMaxOutputBytes) {
        return Failed(absl::StrCat("the tool printed more than ", kMaxOutputBytes, " bytes"));
      }
      if (sources[1].revents != 0) return Ended();
    }
  }

 private:
  static ToolOutcome Failed(std::string why) { return {.content = std::move(why), .failed = true}; }

  void WriteSome() {
    const ssize_t size = write(input_.number(), text_.data(), text_.size());
    if (size > 0) text_.remove_prefix(static_cast<size_t>(size));
    // It need not read its arguments.
    if (text_.empty() || (size < 0 && errno != EAGAIN && errno != EINTR)) input_.Close();
  }

  // False when there is nothing more now.
  bool ReadSome() {
    char chunk[16 * 1024];
    const ssize_t size = read(output_.number(), chunk, sizeof(chunk));
    if (size > 0) printed_.append(chunk, static_cast<size_t>(size));
    if (size == 0) output_.Close();
    return size > 0 && printed_.size() <= kMaxOutputBytes;
  }

  ToolOutcome Ended() {
    while (output_.number() >= 0 && ReadSome()) {
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    reaped_ = true;
    if (printed_.size() > kMaxOutputBytes) {
      return Failed(absl::StrCat("the tool printed more than ", kMaxOutputBytes, " bytes"));
    }
    if (!IsUtf8(printed_)) return Failed("the tool printed what is no UTF-8");
    absl::string_view content = printed_;
    while (absl::ConsumeSuffix(&content, "\n")) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {.content = std::string(content)};
    if (!content.empty()) return Failed(std::string(content));
    return Failed(WIFEXITED(status) ? absl::StrCat("exit code ", WEXITSTATUS(status))
                                    : absl::StrCat("ended by signal ", WTERMSIG(status)));
  }

  const pid_t pid_;
  Descriptor process_;
  Descriptor input_;
  Descriptor output_;
  absl::string_view text_;
  std::string printed_;
  bool reaped_ = false;
};

}  // namespace

ToolOutcome RunToolProgram(const std::string& command, absl::string_view input,
                           absl::Duration patience, int stop) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0) return {.content = "no pipe for the tool", .failed = true};
  Descriptor read_in(in[0]);
  if (pipe2(out, O_CLOEXEC) != 0) {
    close(in[1]);
    return {.content = "no pipe for the tool", .failed = true};
  }
  Descriptor write_out(out[1]);
  const pid_t pid = Spawn(command, in[0], out[1]);
  if (pid < 0) {
    close(in[1]);
    close(out[0]);
    return {.content = "/bin/sh could not be started", .failed = true};
  }
  read_in.Close();
  write_out.Close();
  return Run(pid, in[1], out[0], input).Wait(patience, stop);
}

}  // namespace penstock::cli
