#include "tests/providersim/options.h"

#include <cstdint>
#include <functional>

#include "libs/base/status_macros.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::providersim {
namespace {

absl::StatusOr<int64_t> Number(absl::string_view flag, absl::string_view value, int64_t low,
                               int64_t high) {
  int64_t number = 0;
  if (absl::SimpleAtoi(value, &number) && number >= low && number <= high) return number;
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": found \"", value,
                                                 "\", expected a number from ", low, " to ", high));
}

absl::Status SetNumber(Options& options, absl::string_view flag, absl::string_view value) {
  const int64_t low = flag == "threads" ? 1 : 0;
  const int64_t high = flag == "threads" ? 64 : 100'000'000;
  PENSTOCK_ASSIGN_OR_RETURN(const int64_t number, Number(flag, value, low, high));
  if (flag == "first-token-ms") options.first_token = std::chrono::milliseconds(number);
  if (flag == "token-interval-ms") options.token_interval = std::chrono::milliseconds(number);
  if (flag == "tokens") options.tokens = static_cast<int>(number);
  if (flag == "events") options.events = static_cast<int>(number);
  if (flag == "record-limit") options.record_limit = static_cast<size_t>(number);
  if (flag == "threads") options.threads = static_cast<int>(number);
  return absl::OkStatus();
}

absl::Status Set(Options& options, absl::string_view flag, absl::string_view value) {
  for (absl::string_view numeric :
       {"first-token-ms", "token-interval-ms", "tokens", "events", "record-limit", "threads"}) {
    if (flag == numeric) return SetNumber(options, flag, value);
  }
  if (flag == "listen") {
    options.listen = std::string(value);
  } else if (flag == "port-file") {
    options.port_file = std::string(value);
  } else if (flag == "ledger") {
    options.ledger = std::string(value);
  } else if (flag == "api-key") {
    options.api_key = std::string(value);
  } else if (flag == "models") {
    options.models = absl::StrSplit(value, ',', absl::SkipEmpty());
  } else {
    return absl::InvalidArgumentError(absl::StrCat("unknown flag --", flag, "; see --help"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view flag = arguments[i];
    if (flag == "--help" || flag == "-h") {
      options.help = true;
      continue;
    }
    if (flag.substr(0, 2) != "--") {
      return absl::InvalidArgumentError(absl::StrCat("unexpected argument \"", flag, "\""));
    }
    flag.remove_prefix(2);
    const size_t equals = flag.find('=');
    if (equals != absl::string_view::npos) {
      PENSTOCK_RETURN_IF_ERROR(Set(options, flag.substr(0, equals), flag.substr(equals + 1)));
    } else if (i + 1 < arguments.size()) {
      PENSTOCK_RETURN_IF_ERROR(Set(options, flag, arguments[++i]));
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", flag, ": value missing"));
    }
  }
  return options;
}

absl::string_view Usage() {
  return R"(providersim: speaks OpenAI Chat Completions over HTTP/1.1, for demos, tests and benchmarks.

  --listen HOST:PORT|unix:PATH  where to serve (127.0.0.1:7430; port 0: a free one)
  --port-file FILE              write the address served there
  --first-token-ms N            wait before the first token (0)
  --token-interval-ms N         wait between events (0)
  --tokens N                    answer every request with N tokens "t1 t2 ..."
  --events N                    spread the tokens of an answer over N events (one event a token)
  --models A,B                  the models there are (any name is one)
  --api-key KEY                 demand this bearer token
  --record-limit N              keep the newest N requests for GET /_sim/requests (1000; 0: none)
  --ledger FILE                 append a JSON line at start and end of every call
  --threads N                   (1)

A request steers its own answer by lines "/sim ..." in its newest user message: see README.md.
)";
}

}  // namespace penstock::providersim
