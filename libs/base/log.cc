#include "libs/base/log.h"

#include <atomic>

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace penstock {
namespace {

std::atomic<Severity> minimum_severity{Severity::kInfo};

std::string& ServiceName() {
  static std::string* const name = new std::string("penstock");
  return *name;
}

absl::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "ERROR";
}

void AppendQuoted(absl::string_view text, std::string& line) {
  line.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&line, "\\u%04x", static_cast<unsigned>(c));
    } else {
      line.push_back(c);
    }
  }
  line.push_back('"');
}

void AppendField(absl::string_view key, absl::string_view value, std::string& line) {
  line.push_back(',');
  AppendQuoted(key, line);
  line.push_back(':');
  AppendQuoted(value, line);
}

}  // namespace

std::string FormatLogLine(absl::string_view time, Severity severity, absl::string_view service,
                          absl::string_view message, std::initializer_list<LogField> fields) {
  std::string line = "{\"time\":";
  AppendQuoted(time, line);
  AppendField("severity", NameOf(severity), line);
  AppendField("service", service, line);
  AppendField("message", message, line);
  for (const auto& [key, value] : fields) {
    if (!value.empty()) AppendField(key, value, line);
  }
  line.push_back('}');
  return line;
}

void ConfigureLog(absl::string_view service, Severity minimum) {
  ServiceName() = std::string(service);
  minimum_severity = minimum;
}

void Log(Severity severity, absl::string_view message, std::initializer_list<LogField> fields) {
  if (severity < minimum_severity) return;
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  const std::string line =
      absl::StrCat(FormatLogLine(time, severity, ServiceName(), message, fields), "\n");
  // A log that cannot be written must not stop the service.
  [[maybe_unused]] const auto written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace penstock
