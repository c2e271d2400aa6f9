// W3C Trace Context (https://www.w3.org/TR/trace-context/): which request a piece of work belongs
// to.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace penstock::obs {

struct TraceContext {
  // 32 and 16 lower-case hex digits, not all zero.
  std::string trace_id;
  std::string span_id;
  bool sampled = false;
};

// Reads a traceparent header. One that is absent or malformed starts a new trace, as the standard
// says.
TraceContext ParseOrStart(absl::string_view traceparent);

// The same trace with a span id of its own.
TraceContext ChildOf(const TraceContext& parent);

// "00-<trace id>-<span id>-<flags>".
std::string ToTraceparent(const TraceContext& context);

}  // namespace penstock::obs
