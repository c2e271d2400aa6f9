#include "libs/http/curl_transfer.h"

#include <algorithm>
#include <utility>

#include "libs/http/curl_error_kind.h"
#include "libs/http/curl_pool.h"
#include "libs/http/url_credentials.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

// How long an answer that is complete for its observer may take to end on the wire.
constexpr absl::Duration kDrainLimit = absl::Seconds(1);

// libcurl repeats a request on a new connection when a kept one turns out to be dead, or the server
// says that it has not looked at the stream: once is let pass.
constexpr int kMaxSends = 2;

// Below the 60 s after which many load balancers drop an idle connection, some without a word.
constexpr long kMaxIdleSeconds = 55;

// Small buffers: an event of a stream has a few hundred bytes, and there are thousands of streams.
constexpr long kReadBufferBytes = 8 * 1024;
constexpr long kUploadBufferBytes = 16 * 1024;

template <class Value>
void Set(CURL* easy, CURLoption option, Value value) {
  curl_easy_setopt(easy, option, value);
}

}  // namespace

CurlTransfer::CurlTransfer(const TransferOptions& options, CurlPool& pool)
    : pool_(pool),
      max_header_bytes_(options.max_header_bytes),
      now_(*options.now),
      hurried_(*options.hurried),
      easy_(curl_easy_init()) {
  SetConstantOptions(options);
  SetTransport(pool.transport());
  SetCallbacks();
}

CurlTransfer::~CurlTransfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(header_list_);
}

CurlTransfer& CurlTransfer::Of(CURL* easy) {
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return *reinterpret_cast<CurlTransfer*>(self);
}

void CurlTransfer::SetConstantOptions(const TransferOptions& options) {
  Set(easy_, CURLOPT_PRIVATE, this);
  Set(easy_, CURLOPT_ERRORBUFFER, error_);
  Set(easy_, CURLOPT_NOSIGNAL, 1L);
  Set(easy_, CURLOPT_NOPROGRESS, 1L);
  Set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  Set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  Set(easy_, CURLOPT_BUFFERSIZE, kReadBufferBytes);
  Set(easy_, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
  Set(easy_, CURLOPT_USERAGENT, options.user_agent.c_str());
  Set(easy_, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  // Otherwise to end a request whose name is being resolved waits for the resolver, and with it the
  // whole loop.
  Set(easy_, CURLOPT_QUICK_EXIT, 1L);
}

void CurlTransfer::SetTransport(const HttpTransport& transport) {
  Set(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  Set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  Set(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!transport.ca_file.empty()) Set(easy_, CURLOPT_CAINFO, transport.ca_file.c_str());
  if (transport.version == HttpVersion::kNegotiated) {
    Set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    Set(easy_, CURLOPT_PIPEWAIT, 1L);
  } else {
    Set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  }
  // Empty texts keep http_proxy and no_proxy of the environment out.
  Set(easy_, CURLOPT_PROXY, transport.proxy.c_str());
  Set(easy_, CURLOPT_NOPROXY, "");
  // Also to a plain server: what the proxy refuses is then never taken for the server's answer, and
  // our headers are not for the proxy.
  Set(easy_, CURLOPT_HTTPPROXYTUNNEL, 1L);
  Set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  Set(easy_, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
}

void CurlTransfer::SetCallbacks() {
  Set(easy_, CURLOPT_OPENSOCKETFUNCTION, &CurlTransfer::OnOpenSocket);
  Set(easy_, CURLOPT_OPENSOCKETDATA, this);
  Set(easy_, CURLOPT_CLOSESOCKETFUNCTION, &CurlPool::CloseSocket);
  Set(easy_, CURLOPT_CLOSESOCKETDATA, &pool_);
  Set(easy_, CURLOPT_PREREQFUNCTION, &CurlTransfer::OnConnected);
  Set(easy_, CURLOPT_PREREQDATA, this);
  Set(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeaderLine);
  Set(easy_, CURLOPT_HEADERDATA, this);
  Set(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBodyBytes);
  Set(easy_, CURLOPT_WRITEDATA, this);
}

void CurlTransfer::Prepare(HttpCallId id, HttpRequest request,
                           std::shared_ptr<HttpObserver> observer, CurlMulti& multi) {
  multi_ = &multi;
  id_ = id;
  request_ = std::move(request);
  observer_ = std::move(observer);
  phase_ = Phase::kConnecting;
  phase_since_ = now_;
  total_due_ = now_ + request_.total_timeout;
  sends_ = 0;
  refused_sends_ = 0;
  sockets_opened_ = 0;
  body_bytes_ = 0;
  status_ = 0;
  headers_told_ = false;
  headers_.Clear();
  verdict_.reset();
  error_[0] = '\0';

  curl_slist_free_all(std::exchange(header_list_, nullptr));
  // Without this libcurl asks before it sends a large body, and waits for the answer.
  header_list_ = curl_slist_append(nullptr, "Expect:");
  for (const std::string& line : request_.headers) curl_slist_append(header_list_, line.c_str());
  Set(easy_, CURLOPT_HTTPHEADER, header_list_);
  Set(easy_, CURLOPT_URL, request_.url.c_str());
  Set(easy_, CURLOPT_FORBID_REUSE, 0L);
  if (request_.body.empty()) {
    Set(easy_, CURLOPT_HTTPGET, 1L);
    return;
  }
  Set(easy_, CURLOPT_POST, 1L);
  Set(easy_, CURLOPT_POSTFIELDS, request_.body.data());
  Set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
}

absl::Duration CurlTransfer::Limit() const {
  switch (phase_) {
    case Phase::kConnecting:
      return request_.connect_timeout;
    case Phase::kWaiting:
      return request_.first_byte_timeout;
    case Phase::kStreaming:
      return request_.idle_timeout;
    case Phase::kDraining:
      return kDrainLimit;
  }
  return absl::InfiniteDuration();
}

HttpOutcome::Kind CurlTransfer::LimitKind() const {
  switch (phase_) {
    case Phase::kConnecting:
      return HttpOutcome::Kind::kTimeoutConnect;
    case Phase::kWaiting:
      return HttpOutcome::Kind::kTimeoutFirstByte;
    case Phase::kStreaming:
      return HttpOutcome::Kind::kTimeoutIdle;
    case Phase::kDraining:
      return HttpOutcome::Kind::kCancelled;
  }
  return HttpOutcome::Kind::kCancelled;
}

absl::Duration CurlTransfer::NextDue() const {
  return std::min(total_due_, phase_since_ + Limit());
}

std::optional<HttpOutcome> CurlTransfer::CheckLimits() const {
  if (now_ >= phase_since_ + Limit()) {
    const HttpOutcome::Kind kind = LimitKind();
    return Stopped(kind,
                   absl::StrCat(HttpOutcomeName(kind), " after ", absl::FormatDuration(Limit())));
  }
  if (now_ >= total_due_) {
    return Stopped(
        HttpOutcome::Kind::kTimeoutTotal,
        absl::StrCat("no end of the answer within ", absl::FormatDuration(request_.total_timeout)));
  }
  return std::nullopt;
}

HttpOutcome CurlTransfer::Stopped(HttpOutcome::Kind kind, absl::string_view message) const {
  return {.kind = kind, .not_sent = sends_ == refused_sends_, .message = std::string(message)};
}

HttpOutcome CurlTransfer::OutcomeOf(CURLcode code) const {
  if (verdict_) return *verdict_;
  if (code == CURLE_OK) return {};
  std::string message = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
  message = HideCredentials(std::move(message), request_.url);
  return Stopped(KindOfCurlError(code, sends_ > 0),
                 HideCredentials(std::move(message), pool_.transport().proxy));
}

void CurlTransfer::Finish(HttpOutcome outcome) {
  // The observer may start a new request, which may take this transfer: let go first.
  const auto observer = std::move(observer_);
  request_ = HttpRequest();
  observer->OnDone(std::move(outcome));
}

void CurlTransfer::Enter(Phase phase) {
  phase_ = phase;
  phase_since_ = now_;
  if (NextDue() < armed_) hurried_.push_back(this);
}

curl_socket_t CurlTransfer::OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  ++transfer.sockets_opened_;
  transfer.multi_->streams().Leave(transfer.easy_);
  return transfer.pool_.OpenSocket(*address);
}

int CurlTransfer::OnConnected(void* self, char* server_ip, char* own_ip, int server_port,
                              int own_port) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.pool_.transport().version == HttpVersion::kNegotiated) {
    transfer.multi_->streams().Enter(
        transfer.easy_, absl::StrCat(own_ip, ":", own_port, " ", server_ip, ":", server_port));
  }
  return transfer.BeginSend() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

bool CurlTransfer::BeginSend() {
  if (sends_ > 0 && WasRefused()) ++refused_sends_;
  on_new_connection_ = std::exchange(sockets_opened_, 0) > 0;
  // 7.88 breaks a connection with other streams when a request is stopped here.
  if (sends_ >= kMaxSends && multi_->streams().Sharing(easy_) <= 1) {
    return Fail(HttpOutcome::Kind::kReset,
                "connections were dead or refused the stream, twice in a row");
  }
  ++sends_;
  if (!on_new_connection_) pool_.Tell(TransportEvent::kConnectionReused);
  Enter(Phase::kWaiting);
  return true;
}

bool CurlTransfer::WasRefused() const {
  // Of a connection that has died libcurl says so; and it repeats nothing that died on a new one.
  return on_new_connection_ || (pool_.speaks_http2() && error_[0] == '\0');
}

bool CurlTransfer::Fail(HttpOutcome::Kind kind, absl::string_view message) {
  verdict_ = Stopped(kind, message);
  multi_->streams().GiveUp(easy_);
  return false;
}

size_t CurlTransfer::OnHeaderLine(char* bytes, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  return transfer.TakeHeaderLine({bytes, size * count}) ? size * count : 0;
}

size_t CurlTransfer::OnBodyBytes(char* bytes, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  return transfer.TakeBody({bytes, size * count}) ? size * count : 0;
}

bool CurlTransfer::TakeHeaderLine(absl::string_view line) {
  if (headers_told_) return true;  // trailers
  if (absl::StartsWith(line, "HTTP/")) {
    TakeStatusLine(line);
    return true;
  }
  if (headers_.size_bytes() + line.size() > max_header_bytes_) {
    return Fail(HttpOutcome::Kind::kProtocol,
                absl::StrCat("headers are longer than ", max_header_bytes_, " bytes"));
  }
  if (!absl::StripAsciiWhitespace(line).empty()) {
    headers_.Append(line);
    return true;
  }
  if (status_ >= 200) {
    headers_told_ = true;
    observer_->OnHeaders(status_, headers_);
  }
  return true;
}

void CurlTransfer::TakeStatusLine(absl::string_view line) {
  headers_.Clear();
  const absl::string_view rest = line.substr(std::min(line.find(' '), line.size() - 1) + 1);
  if (!absl::SimpleAtoi(rest.substr(0, 3), &status_)) status_ = 0;
  pool_.OnAnswer(/*http2=*/absl::StartsWith(line, "HTTP/2"));
}

bool CurlTransfer::TakeBody(absl::string_view bytes) {
  if (phase_ == Phase::kDraining) return true;
  body_bytes_ += static_cast<int64_t>(bytes.size());
  if (body_bytes_ > request_.max_answer_bytes) {
    pool_.Tell(TransportEvent::kAnswerTooLarge);
    return Fail(HttpOutcome::Kind::kTooLarge,
                absl::StrCat("the answer is longer than ", request_.max_answer_bytes, " bytes"));
  }
  Enter(Phase::kStreaming);
  switch (observer_->OnBody(bytes)) {
    case Flow::kMore:
      return true;
    case Flow::kEnough:
      Enter(Phase::kDraining);
      return true;
    case Flow::kAbort:
      return Fail(HttpOutcome::Kind::kCancelled, "the reader had enough");
  }
  return false;
}

}  // namespace penstock::http
