// Runs what the model calls, beside the thread that shows the turn.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "penstock/chat/v1/turn.pb.h"
#include "services/cli/happenings.h"
#include "services/cli/local_tools.h"

namespace penstock::cli {

// One after the other, each after a person's leave if that is wanted. Puts ToolNotice and
// ToolQuestion into `happenings`, and at last ToolsRan. Every call gets a result, also one that was
// not allowed or that is of no local tool. What it is given must outlive it.
class ToolRunner {
 public:
  ToolRunner(const LocalTools& tools, Happenings& happenings);
  ~ToolRunner();
  ToolRunner(const ToolRunner&) = delete;
  ToolRunner& operator=(const ToolRunner&) = delete;

  // Begins a step; the same one again is ignored. Steps come one after the other.
  void Run(const chat::v1::ToolCallsRequested& requested);
  // Kills what runs; nothing more is put.
  void Stop();

 private:
  void RunAll(const chat::v1::ToolCallsRequested& requested);
  // nullopt: stopped.
  std::optional<chat::v1::ToolResult> RunOne(const chat::v1::ToolCall& call);
  // A line of standard input says yes; nullopt: stopped.
  std::optional<bool> IsAllowed(const chat::v1::ToolCall& call);

  const LocalTools& tools_;
  Happenings& happenings_;
  const int stop_;
  int step_ = -1;
  std::thread thread_;
};

}  // namespace penstock::cli
