// For tests: a gateway whose turns follow a script.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "penstock/gateway/v1/turns.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::cli {

// What a script of a turn can do. Its turn is sessions/s1/turns/t1.
class TurnScript {
 public:
  virtual ~TurnScript() = default;
  virtual void Accept() = 0;
  virtual void Queue(int64_t position, int seconds) = 0;
  virtual void Say(absl::string_view text) = 0;
  virtual void Restart() = 0;
  // The turn waits for these calls, as those of step `step`.
  virtual void CallTools(int step, const std::vector<chat::v1::ToolCall>& calls) = 0;
  // What SubmitToolResults was called with, and was not refused; empty when none has come for 30 s.
  virtual std::vector<chat::v1::ToolResult> AwaitResults() = 0;
  virtual void Finish(chat::v1::Turn::State state, absl::string_view answer) = 0;
  // Finishes with an error.
  virtual void Fail(chat::v1::Turn::State state, const absl::Status& error) = 0;
  // False when none has come for 30 s.
  virtual bool AwaitCancel() = 0;
  // Waits until the test ends the gateway.
  virtual void AwaitEnd() = 0;
};

// Listens on a free port of loopback.
class FakeGateway {
 public:
  using StreamHandler =
      std::function<absl::Status(const gateway::v1::StreamTurnRequest&, TurnScript&)>;
  using WatchHandler =
      std::function<absl::Status(const gateway::v1::WatchTurnRequest&, TurnScript&)>;

  static std::unique_ptr<FakeGateway> Start();
  virtual ~FakeGateway() = default;

  // Set them before the command starts.
  StreamHandler on_stream;
  WatchHandler on_watch;
  std::function<absl::StatusOr<chat::v1::Turn>(const std::string& name)> on_get;
  std::function<absl::Status(const gateway::v1::RunTurnRequest&, chat::v1::Turn&)> on_run;
  std::function<absl::Status(const gateway::v1::ListTurnsRequest&, gateway::v1::ListTurnsResponse&)>
      on_list;

  // Without it every result is taken.
  std::function<absl::Status(const gateway::v1::SubmitToolResultsRequest&)> on_results;

  virtual const std::string& address() const = 0;
  // Names that CancelTurn was called with.
  virtual std::vector<std::string> cancelled() = 0;
  // The metadata `authorization` of the last call.
  virtual std::string authorization() = 0;
  virtual void SetServing(bool serving) = 0;
};

}  // namespace penstock::cli
