#include "services/cli/tool_runner.h"

#include <csignal>
#include <cstdint>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "services/cli/tool_program.h"
#include "services/cli/turn_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

constexpr size_t kShownResult = 60;

bool SaysYes(absl::string_view line) {
  const std::string word = absl::AsciiStrToLower(absl::StripAsciiWhitespace(line));
  return word == "y" || word == "yes";
}

}  // namespace

ToolRunner::ToolRunner(const LocalTools& tools, Happenings& happenings)
    : tools_(tools), happenings_(happenings), stop_(eventfd(0, EFD_CLOEXEC)) {}

ToolRunner::~ToolRunner() {
  Stop();
  close(stop_);
}

void ToolRunner::Run(const chat::v1::ToolCallsRequested& requested) {
  if (requested.step() == step_) return;
  if (thread_.joinable()) thread_.join();
  step_ = requested.step();
  thread_ = std::thread([this, requested] { RunAll(requested); });
}

void ToolRunner::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(stop_, &one, sizeof(one));
  thread_.join();
}

void ToolRunner::RunAll(const chat::v1::ToolCallsRequested& requested) {
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
  ToolsRan ran{requested.step(), NewId(SystemClock().Now()), {}};
  for (const auto& call : requested.calls()) {
    auto result = RunOne(call);
    if (!result) return;
    ran.results.push_back(*std::move(result));
  }
  happenings_.Put(std::move(ran));
}

std::optional<chat::v1::ToolResult> ToolRunner::RunOne(const chat::v1::ToolCall& call) {
  chat::v1::ToolResult result;
  result.set_tool_call_id(call.id());
  const LocalTool* tool = tools_.Find(call.name());
  ToolOutcome outcome{.content = "there is no such tool", .failed = true};
  happenings_.Put(ToolNotice{absl::StrCat("[", CallText(call), "]")});
  if (tool != nullptr) {
    const std::optional<bool> allowed = IsAllowed(call);
    if (!allowed) return std::nullopt;
    outcome = *allowed ? RunToolProgram(tool->command, call.arguments(), tools_.patience, stop_)
                       : ToolOutcome{.content = "the user did not allow this", .failed = true};
  }
  if (outcome.stopped) return std::nullopt;
  happenings_.Put(ToolNotice{absl::StrCat("[", call.name(), outcome.failed ? " failed: " : ": ",
                                          OneLine(outcome.content, kShownResult), "]")});
  result.set_content(std::move(outcome.content));
  result.set_is_error(outcome.failed);
  return result;
}

std::optional<bool> ToolRunner::IsAllowed(const chat::v1::ToolCall& call) {
  if (!tools_.ask) return true;
  happenings_.Put(ToolQuestion{absl::StrCat("run ", call.name(), "? [y/N] ")});
  pollfd sources[] = {{stop_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  while (poll(sources, 2, -1) < 0) {
  }
  if (sources[0].revents != 0) return std::nullopt;
  // A terminal gives a line at a time.
  char line[4096];
  const ssize_t size = read(STDIN_FILENO, line, sizeof(line));
  return size > 0 && SaysYes({line, static_cast<size_t>(size)});
}

}  // namespace penstock::cli
