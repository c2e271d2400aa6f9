#include "tests/providersim/options.h"

#include <cmath>
#include <cstdint>

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

constexpr int64_t kMost = 100'000'000;
constexpr int64_t kMostPerMinute = 1'000'000'000;

struct NumberFlag {
  absl::string_view name;
  int64_t low;
  int64_t high;
  void (*set)(Options& options, int64_t number);
};

constexpr NumberFlag kNumberFlags[] = {
    {"first-token-ms", 0, kMost,
     [](Options& options, int64_t n) { options.first_token = std::chrono::milliseconds(n); }},
    {"token-interval-ms", 0, kMost,
     [](Options& options, int64_t n) { options.token_interval = std::chrono::milliseconds(n); }},
    {"token-rate", 0, kMost, [](Options& options, int64_t n) { options.token_rate = n; }},
    {"tokens", 0, kMost, [](Options& options, int64_t n) { options.tokens = static_cast<int>(n); }},
    {"events", 0, kMost, [](Options& options, int64_t n) { options.events = static_cast<int>(n); }},
    {"record-limit", 0, kMost,
     [](Options& options, int64_t n) { options.record_limit = static_cast<size_t>(n); }},
    {"threads", 1, 64, [](Options& options, int64_t n) { options.threads = static_cast<int>(n); }},
    {"requests-per-minute", 0, kMostPerMinute,
     [](Options& options, int64_t n) { options.limits.requests = n; }},
    {"input-tokens-per-minute", 0, kMostPerMinute,
     [](Options& options, int64_t n) { options.limits.input_tokens = n; }},
    {"output-tokens-per-minute", 0, kMostPerMinute,
     [](Options& options, int64_t n) { options.limits.output_tokens = n; }},
    {"tokens-per-minute", 0, kMostPerMinute,
     [](Options& options, int64_t n) { options.limits.tokens = n; }},
    {"cache-min-tokens", 0, kMost,
     [](Options& options, int64_t n) { options.cache_min_tokens = n; }},
    {"default-max-tokens", 1, kMost,
     [](Options& options, int64_t n) { options.limits.default_max_tokens = n; }},
    {"minute-phase-ms", 0, 59'999,
     [](Options& options, int64_t n) {
       options.limits.minute_phase = std::chrono::milliseconds(n);
     }},
};

absl::Status NotAmong(absl::string_view flag, absl::string_view value, absl::string_view allowed) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, ": found \"", value, "\", expected ", allowed));
}

absl::Status SetLaw(LimitOptions& limits, absl::string_view value) {
  if (value == "bucket") {
    limits.law = LawKind::kBucket;
  } else if (value == "sliding") {
    limits.law = LawKind::kSliding;
  } else if (value == "minute") {
    limits.law = LawKind::kMinute;
  } else {
    return NotAmong("law", value, "bucket, sliding or minute");
  }
  return absl::OkStatus();
}

absl::Status SetCharge(LimitOptions& limits, absl::string_view value) {
  if (value != "admission" && value != "generated") {
    return NotAmong("charge", value, "admission or generated");
  }
  limits.charge = value == "admission" ? ChargeTime::kAdmission : ChargeTime::kGenerated;
  return absl::OkStatus();
}

absl::Status SetOtherConsumer(LimitOptions& limits, absl::string_view value) {
  double share = 0;
  if (!absl::SimpleAtod(value, &share) || !(share >= 0 && share <= 0.9)) {
    return NotAmong("other-consumer", value, "a number from 0 to 0.9");
  }
  limits.other_consumer_ppm = std::llround(share * 1'000'000);
  return absl::OkStatus();
}

absl::Status Set(Options& options, absl::string_view flag, absl::string_view value) {
  for (const NumberFlag& known : kNumberFlags) {
    if (flag != known.name) continue;
    PENSTOCK_ASSIGN_OR_RETURN(const int64_t number, Number(flag, value, known.low, known.high));
    known.set(options, number);
    return absl::OkStatus();
  }
  if (flag == "law") return SetLaw(options.limits, value);
  if (flag == "charge") return SetCharge(options.limits, value);
  if (flag == "other-consumer") return SetOtherConsumer(options.limits, value);
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
  return R"(providersim: speaks OpenAI Chat Completions and Anthropic Messages over HTTP/1.1, for demos, tests
and benchmarks.

  --listen HOST:PORT|unix:PATH  where to serve (127.0.0.1:7430; port 0: a free one)
  --port-file FILE              write the address served there
  --first-token-ms N            wait before the first token (0)
  --token-interval-ms N         wait between events (0)
  --token-rate N                generate N tokens a second (as fast as they can be sent)
  --tokens N                    answer every request with N tokens "t1 t2 ..."
  --events N                    spread the tokens of an answer over N events (one event a token)
  --models A,B                  the models there are (any name is one)
  --api-key KEY                 demand this key
  --cache-min-tokens N          a marked prompt is cached from this length on (1024)
  --record-limit N              keep the newest N requests for GET /_sim/requests (1000; 0: none)
  --ledger FILE                 append a JSON line at start and end of every call
  --threads N                   (1)

Rate limits, of each API key and model:
  --requests-per-minute N, --input-tokens-per-minute N, --output-tokens-per-minute N
  --tokens-per-minute N         input and output together (none)
  --law bucket|sliding|minute   (bucket)
  --minute-phase-ms N           when a fixed minute begins (0)
  --charge admission|generated  when output is charged (admission)
  --default-max-tokens N        bound of an output whose request sets none (4096)
  --other-consumer SHARE        what an unseen consumer draws of each limit, 0 to 0.9 (0)

A request steers its own answer by lines "/sim ..." in its newest user message: see README.md.
)";
}

}  // namespace penstock::providersim
