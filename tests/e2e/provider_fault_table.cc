#include "tests/e2e/provider_fault_table.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

using chat::v1::ErrorKind;

constexpr ErrorKind kSucceeds = chat::v1::ERROR_KIND_UNSPECIFIED;

// Of answers that never begin, and of connections.
std::vector<ProviderFault> Before(Format format) {
  const std::string spent = format == Format::kOpenAi
                                ? "/sim status 429 insufficient_quota"
                                : "/sim status 429 enforced_spend_limit_reached";
  return {{"429-with-hint", "/sim status 429 20", chat::v1::PROVIDER_RATE_LIMITED},
          {"429-without-hint-once", "/sim status 429\n/sim only-first 1", kSucceeds},
          {"429-spent", spent, chat::v1::PROVIDER_QUOTA},
          {"400", "/sim status 400", chat::v1::INVALID_REQUEST},
          {"401", "/sim status 401", chat::v1::PROVIDER_AUTH},
          {"500", "/sim status 500", chat::v1::PROVIDER_INTERNAL},
          {"503", "/sim status 503", chat::v1::PROVIDER_OVERLOADED},
          {"529", "/sim status 529", chat::v1::PROVIDER_OVERLOADED},
          {"503-once", "/sim fail-first 1 status 503", kSucceeds},
          {"hang-before-head", "/sim hang-before", chat::v1::PROVIDER_TIMEOUT},
          {"cut-before-head", "/sim cut-before", chat::v1::PROVIDER_UNREACHABLE},
          {"html", "/sim html", chat::v1::MALFORMED_RESPONSE},
          {"html-502", "/sim html 502", chat::v1::PROVIDER_INTERNAL},
          {"redirect-302", "/sim redirect 302 http://127.0.0.1:1/", chat::v1::MALFORMED_RESPONSE},
          {"redirect-307", "/sim redirect 307 http://127.0.0.1:1/", chat::v1::MALFORMED_RESPONSE},
          {"slow-bytes", "/sim tokens 3\n/sim drip 1", kSucceeds},
          {"no-usage", "/sim no-usage", kSucceeds}};
}

// Of streams, after `tokens` of their text.
std::vector<ProviderFault> InStream(Format format, int tokens) {
  const bool partial = tokens > 0;
  const auto fault = [&](const std::string& name, const std::string& verb, ErrorKind kind,
                         const std::string& rest = "") {
    return ProviderFault{absl::StrCat(name, partial ? "-late" : "-early"),
                         absl::StrCat("/sim tokens 8\n/sim interval 5\n/sim ", verb, " ", tokens,
                                      rest.empty() ? "" : " ", rest),
                         kind, partial && kind != kSucceeds};
  };
  return {
      fault("error", "error-after", chat::v1::PROVIDER_INTERNAL),
      // Chat Completions have no word for it inside a stream.
      fault("error-overloaded", "error-after",
            format == Format::kOpenAi ? chat::v1::PROVIDER_INTERNAL : chat::v1::PROVIDER_OVERLOADED,
            "529"),
      fault("hang", "hang-after", chat::v1::PROVIDER_TIMEOUT),
      fault("cut", "cut-after", chat::v1::STREAM_TRUNCATED),
      fault("truncated", "truncate-after", chat::v1::STREAM_TRUNCATED),
      fault("torn", "tear-after", chat::v1::STREAM_TRUNCATED),
      fault("no-json", "malformed-after", chat::v1::MALFORMED_RESPONSE, "json"),
      // What nobody knows is passed over; then there may be no answer left.
      fault("other-shape", "malformed-after", partial ? kSucceeds : chat::v1::MALFORMED_RESPONSE,
            "shape"),
      fault("no-event", "malformed-after", chat::v1::STREAM_TRUNCATED, "sse"),
      fault("long-line", "long-line-after", chat::v1::MALFORMED_RESPONSE),
      fault("slow", "drip-after", kSucceeds, "1")};
}

}  // namespace

const char* NameOf(Format format) { return format == Format::kOpenAi ? "openai" : "anthropic"; }

std::vector<ProviderFault> ProviderFaults(Format format) {
  std::vector<ProviderFault> faults = Before(format);
  for (const int tokens : {0, 3}) {
    for (ProviderFault& fault : InStream(format, tokens)) faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace penstock::harness
