// One run of a program that is a tool.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::cli {

struct ToolOutcome {
  // What it printed, without newlines at the end; or why it failed.
  std::string content;
  bool failed = false;
  // `stop` was readable: there is no outcome.
  bool stopped = false;
};

// Runs `command` with /bin/sh, `input` on its standard input; its standard error is ours. It fails
// with an exit code other than 0, after `patience`, above 256 KiB of output and with output that is
// no UTF-8. Before this returns the program and what it started in its process group are gone.
// Call it on a thread that blocks SIGPIPE.
ToolOutcome RunToolProgram(const std::string& command, absl::string_view input,
                           absl::Duration patience, int stop);

}  // namespace penstock::cli
