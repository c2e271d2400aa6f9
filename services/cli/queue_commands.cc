#include "services/cli/queue_commands.h"

#include <csignal>
#include <optional>
#include <string>

#include <poll.h>

#include "libs/base/status_macros.h"
#include "services/cli/connection.h"
#include "services/cli/console.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupts.h"
#include "services/cli/live_screen.h"
#include "services/cli/load_feed.h"
#include "services/cli/output.h"
#include "services/cli/queue_view.h"
#include "services/cli/refusal_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

using dispatcher::v1::Load;

constexpr absl::Duration kLeastInterval = absl::Milliseconds(100);

// What a restart of the gateway or the dispatcher looks like.
bool MayPass(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

// One below the other, until it is ended from outside, or `once`.
absl::StatusOr<int> PrintLoads(LoadFeed& feed, bool json, bool once, const std::string& address,
                               Console& console) {
  for (bool answered = false;;) {
    const absl::StatusOr<Load> load = feed.Take();
    if (load.ok()) {
      console.Out(json ? JsonLine(*load) : absl::StrCat(answered ? "\n" : "", QueueText(*load)));
      if (once) return kExitOk;
      answered = true;
    } else if (answered && MayPass(load.status())) {
      console.Error(RefusalText(load.status(), address));
    } else {
      return load.status();
    }
  }
}

std::vector<ScreenLine> LiveView(const Load& newest, const absl::Status& status, size_t width) {
  std::vector<ScreenLine> lines = QueueView(newest, width);
  lines.front().text += "  (q ends)";
  if (!status.ok()) {
    lines.insert(lines.begin(), ScreenLine{absl::StrCat("out of reach: ", status.message()), true});
  }
  return lines;
}

// Until q, or a signal.
absl::StatusOr<int> ShowLoads(LoadFeed& feed, const Interrupts& interrupts, Console& console) {
  Load newest;
  // Once there is something to show: until then errors stand in the terminal as it was.
  std::optional<LiveScreen> screen;
  while (true) {
    pollfd sources[] = {{interrupts.descriptor(), POLLIN, 0},
                        {screen ? screen->keys() : -1, POLLIN, 0},
                        {feed.descriptor(), POLLIN, 0}};
    if (poll(sources, 3, -1) < 0) continue;
    if (sources[0].revents != 0) return kExitInterrupted;
    if (sources[1].revents != 0 && screen->TakeKeys()) return kExitOk;
    if (sources[2].revents == 0) continue;
    const absl::StatusOr<Load> load = feed.Take();
    if (load.ok()) {
      newest = *load;
    } else if (!screen || !MayPass(load.status())) {
      return load.status();
    }
    if (!screen) screen.emplace(console);
    screen->Show(LiveView(newest, load.status(), screen->size().columns));
  }
}

absl::StatusOr<int> QueueTop(const Arguments& arguments, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const absl::Duration interval,
                            arguments.Duration("--interval", absl::Seconds(1)));
  if (interval < kLeastInterval) {
    return UsageError(absl::StrCat("--interval: found '", arguments.Value("--interval"),
                                   "', expected at least 100ms"));
  }
  const bool once = arguments.Has("--once");
  const bool live = console.out_is_terminal() && !json && !once;
  // Before any thread.
  std::optional<Interrupts> interrupts;
  if (live) interrupts.emplace(std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP});
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  LoadFeed feed(connection, interval);
  return live ? ShowLoads(feed, *interrupts, console)
              : PrintLoads(feed, json, once, connection.address(), console);
}

}  // namespace

std::vector<Command> QueueCommands() {
  return {
      {"queue top",
       {},
       "what waits and runs: pools, lanes, classes, waits, refusals; on a terminal live, q ends",
       {{"--interval", "D", "how often, 100ms at least; default: 1s"},
        {"--once", "", "print it once, and end"}},
       {"penstock queue top", "penstock queue top --once --output json"},
       QueueTop}};
}

}  // namespace penstock::cli
