// What providersim is told on its command line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/providersim/limit_options.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::providersim {

struct Options {
  // "host:port" (port 0: a free one) or "unix:path".
  std::string listen = "127.0.0.1:7430";
  // Receives the address clients use: "host:port" or "unix:path". Empty: not written.
  std::string port_file = {};
  // What a request without /sim directives gets.
  std::chrono::milliseconds first_token{0};
  std::chrono::milliseconds token_interval{0};
  // Tokens a second at which an answer is generated; 0: without any time of its own.
  int64_t token_rate = 0;
  // 0: as many as the answer has.
  int tokens = 0;
  int events = 0;
  // How many of the newest requests are kept; 0 records none.
  size_t record_limit = 1000;
  // One JSON line at start and end of every call is appended here. Empty: none.
  std::string ledger = {};
  // Demanded when not empty.
  std::string api_key = {};
  // Names of the models there are. Empty: any name is one.
  std::vector<std::string> models = {};
  LimitOptions limits = {};
  // A prompt's beginning is cached from this length on.
  int64_t cache_min_tokens = 1024;
  int threads = 1;
  bool help = false;
};

// kInvalidArgument names the flag, what was found and what is allowed.
absl::StatusOr<Options> ParseOptions(const std::vector<std::string>& arguments);

// The text of --help.
absl::string_view Usage();

}  // namespace penstock::providersim
