// Structured logs: one JSON object a line on standard error.
//
// {"time":"2026-11-21T03:06:40.123Z","severity":"INFO","service":"gateway","message":"serving","port":"7420"}
// Never log what a user or a model said, a token or a key. The one process-wide object of Penstock:
// main sets service name and minimum severity once, before threads start.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace penstock {

enum class Severity { kDebug, kInfo, kWarning, kError };

using LogField = std::pair<absl::string_view, absl::string_view>;

// Drops lines below the minimum. Thread-safe; one write(2) a line.
void Log(Severity severity, absl::string_view message, std::initializer_list<LogField> fields = {});

void ConfigureLog(absl::string_view service, Severity minimum);

// The line that Log would write, without its newline. `time` in RFC 3339.
std::string FormatLogLine(absl::string_view time, Severity severity, absl::string_view service,
                          absl::string_view message, std::initializer_list<LogField> fields);

}  // namespace penstock
