#include "libs/http/sse_parser.h"

#include <algorithm>

#include "libs/base/failpoint.h"
#include "libs/base/status_macros.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool IsDigits(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// Cuts bytes into lines. Remembers where the next LF is, so that bytes full of CRs are not searched
// again and again.
class SseParser::LineSplitter {
 public:
  explicit LineSplitter(absl::string_view bytes) : rest_(bytes), lf_(bytes.find('\n')) {}

  // Takes the next line into `line` and its end into `end`. False: the rest holds no line end.
  bool Next(absl::string_view& line, char& end) {
    const size_t cr = rest_.substr(0, lf_).find('\r');
    const size_t at = cr != absl::string_view::npos ? cr : lf_;
    if (at == absl::string_view::npos) return false;
    line = rest_.substr(0, at);
    end = rest_[at];
    Skip(at + 1);
    return true;
  }

  void SkipLineFeed() {
    if (lf_ == 0) Skip(1);
  }

  absl::string_view rest() const { return rest_; }

 private:
  void Skip(size_t count) {
    rest_.remove_prefix(count);
    if (lf_ == absl::string_view::npos) return;
    lf_ = lf_ >= count ? lf_ - count : rest_.find('\n');
  }

  absl::string_view rest_;
  size_t lf_;
};

absl::Status SseParser::Feed(absl::string_view bytes, Callback on_event) {
  LineSplitter splitter(bytes);
  if (after_cr_ && !bytes.empty()) {
    splitter.SkipLineFeed();
    after_cr_ = false;
  }
  absl::string_view line;
  char end = 0;
  while (splitter.Next(line, end)) {
    if (end == '\r') {
      after_cr_ = splitter.rest().empty();
      splitter.SkipLineFeed();
    }
    const bool continued = !line_.empty();
    if (continued) {
      line_.append(line.data(), line.size());
      line = line_;
    }
    if (line.size() > max_bytes_) return TooLong("line");
    const bool unmarked = continued && PENSTOCK_PLANTED_BUG("planted.mark_split");
    if (first_line_ && !unmarked && absl::StartsWith(line, kByteOrderMark)) line.remove_prefix(3);
    first_line_ = false;
    if (line.empty()) {
      if (!EmitEvent(on_event)) return absl::OkStatus();
    } else {
      PENSTOCK_RETURN_IF_ERROR(TakeLine(line));
    }
    if (continued) {
      OwnData();
      line_.clear();
    }
  }
  OwnData();
  line_.append(splitter.rest().data(), splitter.rest().size());
  return line_.size() > max_bytes_ ? TooLong("line") : absl::OkStatus();
}

absl::Status SseParser::TakeLine(absl::string_view line) {
  const size_t colon = line.find(':');
  if (colon == 0) return absl::OkStatus();
  if (colon == absl::string_view::npos) return TakeField(line, "");
  absl::string_view value = line.substr(colon + 1);
  if (absl::StartsWith(value, " ")) value.remove_prefix(1);
  return TakeField(line.substr(0, colon), value);
}

absl::Status SseParser::TakeField(absl::string_view field, absl::string_view value) {
  if (field == "data") return TakeData(value);
  if (field == "event") {
    type_.assign(value.data(), value.size());
  } else if (field == "id") {
    if (value.find('\0') == absl::string_view::npos) id_.assign(value.data(), value.size());
  } else if (field == "retry") {
    int64_t retry = 0;
    if (IsDigits(value) && absl::SimpleAtoi(value, &retry)) retry_ms_ = retry;
  }
  return absl::OkStatus();
}

absl::Status SseParser::TakeData(absl::string_view value) {
  if (!has_data_) {
    has_data_ = true;
    borrowed_data_ = value;
    return absl::OkStatus();
  }
  OwnData();
  data_.push_back('\n');
  data_.append(value.data(), value.size());
  return data_.size() > max_bytes_ ? TooLong("event") : absl::OkStatus();
}

bool SseParser::EmitEvent(Callback on_event) {
  bool more = true;
  if (has_data_) {
    more = on_event(SseEvent{.type = type_.empty() ? "message" : absl::string_view(type_),
                             .data = borrowed_data_.value_or(data_),
                             .id = id_});
  }
  has_data_ = false;
  borrowed_data_.reset();
  data_.clear();
  type_.clear();
  return more;
}

void SseParser::OwnData() {
  if (!borrowed_data_) return;
  data_.assign(borrowed_data_->data(), borrowed_data_->size());
  borrowed_data_.reset();
}

absl::Status SseParser::TooLong(absl::string_view what) const {
  return absl::OutOfRangeError(
      absl::StrCat("event stream: one ", what, " is longer than ", max_bytes_, " bytes"));
}

}  // namespace penstock::http
