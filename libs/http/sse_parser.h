// Server-sent events out of a byte stream, as the WHATWG HTML standard parses them
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::http {

// Valid during the callback.
struct SseEvent {
  // The `event` field; "message" when there was none.
  absl::string_view type;
  // The `data` lines, joined by line feeds.
  absl::string_view data;
  // The last `id` of the stream so far.
  absl::string_view id;
};

// Bytes may be split anywhere. Lines end with LF, CR or CRLF; a leading byte order mark, comments
// and unknown fields are skipped; events without data are not told. An event that is not closed by
// an empty line when the stream ends is dropped, as the standard says. One whole event inside one
// Feed is not copied. Not thread-safe.
class SseParser {
 public:
  // False: no more events are wanted.
  using Callback = absl::FunctionRef<bool(const SseEvent&)>;

  static constexpr size_t kMaxBytes = size_t{1} << 20;

  // `max_bytes` bounds one line and the data of one event.
  explicit SseParser(size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // OUT_OF_RANGE when a line or an event is longer than `max_bytes`; the parser is unusable then.
  // The rest of `bytes` is dropped when the callback answers false.
  absl::Status Feed(absl::string_view bytes, Callback on_event);

  // The last `retry` field, in milliseconds.
  std::optional<int64_t> retry_ms() const { return retry_ms_; }

 private:
  class LineSplitter;

  absl::Status TakeLine(absl::string_view line);
  absl::Status TakeField(absl::string_view field, absl::string_view value);
  absl::Status TakeData(absl::string_view value);
  bool EmitEvent(Callback on_event);
  // Keeps data that points into the caller's bytes.
  void OwnData();
  absl::Status TooLong(absl::string_view what) const;

  size_t max_bytes_;
  bool first_line_ = true;
  // The last byte was a CR that ended a line: an LF that follows belongs to it.
  bool after_cr_ = false;
  // The beginning of a line whose end has not come.
  std::string line_;
  bool has_data_ = false;
  // The only data line, while it points into the bytes being fed.
  std::optional<absl::string_view> borrowed_data_;
  std::string data_;
  std::string type_;
  std::string id_;
  std::optional<int64_t> retry_ms_;
};

}  // namespace penstock::http
