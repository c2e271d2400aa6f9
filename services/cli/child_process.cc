#include "services/cli/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock::cli {
namespace {

constexpr int kPatienceMs = 30'000;

[[noreturn]] void Die(const char* what, const std::string& out, const std::string& error) {
  std::fprintf(stderr, "%s; output:\n%s\nerror:\n%s\n", what, out.c_str(), error.c_str());
  std::abort();
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Ends the descriptor when there is nothing more to come.
void ReadInto(int& descriptor, std::string& text) {
  char chunk[4096];
  const ssize_t size = read(descriptor, chunk, sizeof(chunk));
  if (size > 0) {
    text.append(chunk, static_cast<size_t>(size));
  } else if (size == 0 || errno != EINTR) {
    close(descriptor);
    descriptor = -1;
  }
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> command, std::vector<std::string> variables,
                           Console console) {
  const std::vector<char*> arguments = Pointers(command);
  const std::vector<char*> environment = Pointers(variables);
  int in[2], out[2], error[2];
  if (console == Console::kTerminal) {
    pid_ = forkpty(&output_, nullptr, nullptr, nullptr);
    input_ = output_;
  } else {
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(error, O_CLOEXEC) != 0) {
      Die("no pipes", "", "");
    }
    pid_ = fork();
  }
  if (pid_ == 0) {
    if (console == Console::kPipes) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      dup2(error[1], STDERR_FILENO);
    }
    execve(arguments[0], arguments.data(), environment.data());
    _exit(127);
  }
  if (console == Console::kTerminal) return;
  close(in[0]);
  close(out[1]);
  close(error[1]);
  input_ = in[1];
  output_ = out[0];
  error_output_ = error[0];
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (input_ >= 0 && input_ != output_) close(input_);
  if (output_ >= 0) close(output_);
  if (error_output_ >= 0) close(error_output_);
}

void ChildProcess::Write(absl::string_view text) {
  if (write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    Die("cannot write", out_, error_);
  }
}

void ChildProcess::EndInput() {
  close(input_);
  input_ = -1;
}

void ChildProcess::Interrupt() { kill(pid_, SIGINT); }

void ChildProcess::Await(absl::string_view text) {
  while (true) {
    const size_t found = out_.find(text.data(), awaited_, text.size());
    if (found != std::string::npos) {
      awaited_ = found + text.size();
      return;
    }
    if (!ReadSome()) Die(("never came: " + std::string(text)).c_str(), out_, error_);
  }
}

int ChildProcess::Wait() {
  while (ReadSome()) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool ChildProcess::ReadSome() {
  if (output_ < 0 && error_output_ < 0) return false;
  pollfd sources[] = {{output_, POLLIN, 0}, {error_output_, POLLIN, 0}};
  if (poll(sources, 2, kPatienceMs) == 0) Die("nothing for too long", out_, error_);
  const bool terminal = input_ == output_;
  if (sources[0].revents != 0) ReadInto(output_, out_);
  if (sources[1].revents != 0) ReadInto(error_output_, error_);
  if (terminal && output_ < 0) input_ = -1;
  return true;
}

}  // namespace penstock::cli
