// One HTTP request with a streamed answer, as the rest of Penstock sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/http/http_transport.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::http {

struct HttpRequest {
  // http:// or https://.
  std::string url = {};
  // "Name: value", without line breaks. Host, Content-Length and User-Agent are added.
  std::vector<std::string> headers = {};
  // Empty: GET, otherwise POST.
  std::string body = {};
  // Null: the client's own.
  std::shared_ptr<const HttpTransport> transport = {};
  // Of the answer's body.
  int64_t max_answer_bytes = int64_t{64} << 20;
  // Name resolution, proxy, TCP and TLS; HTTP/2: also the wait for room on a connection.
  absl::Duration connect_timeout = absl::Seconds(5);
  // From the sent request to the first byte of the answer's body.
  absl::Duration first_byte_timeout = absl::Seconds(60);
  // Between two reads of the answer's body.
  absl::Duration idle_timeout = absl::Seconds(60);
  // From Start to the end of the answer.
  absl::Duration total_timeout = absl::InfiniteDuration();
};

// The header lines of one answer.
class HttpHeaders {
 public:
  // The value of the first header of this name (any case), without surrounding blanks.
  std::optional<absl::string_view> Find(absl::string_view name) const;

  // One line as received.
  void Append(absl::string_view line) { lines_.append(line.data(), line.size()); }
  void Clear() { lines_.clear(); }
  size_t size_bytes() const { return lines_.size(); }

 private:
  std::string lines_;
};

// How a request ended.
struct HttpOutcome {
  enum class Kind {
    // The whole answer arrived, whatever its status.
    kOk,
    // The name was not resolved, or nobody accepted the connection.
    kConnectFailed,
    kTls,
    // The connection broke after it was made, also in the middle of an answer.
    kReset,
    // What arrived is not an HTTP answer within our limits.
    kProtocol,
    // The answer's body is longer than max_answer_bytes.
    kTooLarge,
    kTimeoutConnect,
    kTimeoutFirstByte,
    kTimeoutIdle,
    kTimeoutTotal,
    // Cancel, or the observer had enough.
    kCancelled,
  };
  Kind kind = Kind::kOk;
  // No byte of the request can have reached the server.
  bool not_sent = false;
  // What happened, for people; without header values, bodies, and credentials of URLs.
  std::string message = {};
};

absl::string_view HttpOutcomeName(HttpOutcome::Kind kind);

// What an observer wants after a piece of the body.
enum class Flow {
  kMore,
  // The answer is complete for the observer: the rest is drained for a second, so that the
  // connection can be used again. OnBody is not called again.
  kEnough,
  // Close the connection; HTTP/2: reset the stream.
  kAbort,
};

// Told about one request, on the client's thread: OnHeaders?, OnBody*, OnDone. Must not block, and
// may call the client.
class HttpObserver {
 public:
  virtual ~HttpObserver() = default;

  // The final status; 1xx answers are skipped. `headers` is valid during the call.
  virtual void OnHeaders(int status, const HttpHeaders& headers) = 0;
  // `bytes` is valid during the call.
  virtual Flow OnBody(absl::string_view bytes) = 0;
  // Last, exactly once.
  virtual void OnDone(HttpOutcome outcome) = 0;
};

using HttpCallId = int64_t;

// Thread-safe. Never pauses a transfer: the server is drained as fast as it sends. Redirects are
// not followed, proxies of the environment are not used, certificates are always verified.
class HttpStreamClient {
 public:
  virtual ~HttpStreamClient() = default;

  // The client keeps `observer` until after OnDone.
  virtual HttpCallId Start(HttpRequest request, std::shared_ptr<HttpObserver> observer) = 0;

  // Closes the connection of a request under way (HTTP/2: resets its stream); OnDone(kCancelled)
  // follows. No effect on one that is done.
  virtual void Cancel(HttpCallId call) = 0;
};

}  // namespace penstock::http
