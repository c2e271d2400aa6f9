// Tools that are programs of this machine, from the flags of `chat`.
#pragma once

#include <string>
#include <vector>

#include "penstock/chat/v1/message.pb.h"
#include "services/cli/command_line.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::cli {

struct LocalTool {
  chat::v1::Tool declared;
  // Run by /bin/sh.
  std::string command;
};

struct LocalTools {
  // Null when there is none of this name.
  const LocalTool* Find(absl::string_view name) const;

  std::vector<LocalTool> tools;
  // Of one run; it is killed then.
  absl::Duration patience;
  // A person allows each run.
  bool ask = true;
};

// --tool, --tool-schema, --tool-timeout, --yes.
std::vector<Flag> LocalToolFlags();

// A usage error also when somebody would have to be asked, and `can_ask` is false.
absl::StatusOr<LocalTools> LocalToolsOf(const Arguments& arguments, bool can_ask);

}  // namespace penstock::cli
