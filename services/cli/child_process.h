// For tests: a program that runs, with its input and output in the test's hands.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "absl/strings/string_view.h"

namespace penstock::cli {

// Started at construction, with an environment of `variables` alone ("NAME=value"); killed at
// destruction if it still runs. Every wait ends the test after 30 s.
class ChildProcess {
 public:
  enum class Console { kPipes, kTerminal };

  ChildProcess(std::vector<std::string> command, std::vector<std::string> variables,
               Console console = Console::kPipes);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void Write(absl::string_view text);
  // Closes its input. Pipes only: a terminal's input ends with Ctrl-D, "\x04".
  void EndInput();
  void Interrupt();

  // Reads until `text` stands in the output after what an earlier call waited for.
  void Await(absl::string_view text);
  // Reads all and waits for the end: the exit code, or -1 if a signal ended it.
  int Wait();

  // What it has written so far. A terminal has only one output.
  const std::string& out() const { return out_; }
  const std::string& error() const { return error_; }

 private:
  // False when both outputs have ended.
  bool ReadSome();

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  int error_output_ = -1;
  size_t awaited_ = 0;
  std::string out_;
  std::string error_;
};

}  // namespace penstock::cli
