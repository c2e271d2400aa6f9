#include "libs/http/curl_multi.h"

#include <cstdlib>

#include <sys/epoll.h>

#include "libs/base/log.h"

namespace penstock::http {
namespace {

CURLM* MakeMulti() {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = initialized == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi != nullptr) return multi;
  Log(Severity::kError, "libcurl cannot be initialized");
  std::abort();
}

int ToCurlEvents(uint32_t events) {
  int result = 0;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) result |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) result |= CURL_CSELECT_OUT;
  if (events & EPOLLERR) result |= CURL_CSELECT_ERR;
  return result;
}

void SetLimits(CURLM* multi, const HttpTransport& transport) {
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(transport.max_kept_connections));
  if (transport.version == HttpVersion::kHttp1) {
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    return;
  }
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  // Without it, and in spite of CURLOPT_PIPEWAIT, each stream above the first hundred opens a
  // connection of its own.
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(transport.max_connections));
  curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS,
                    static_cast<long>(kMaxStreamsPerConnection));
}

}  // namespace

CurlMulti::CurlMulti(const HttpTransport& transport, CurlSockets& sockets,
                     const absl::Duration& now)
    : sockets_(sockets),
      now_(now),
      born_(now),
      multi_(MakeMulti()),
      max_http1_connections_(transport.max_kept_connections) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  SetLimits(multi_, transport);
}

CurlMulti::~CurlMulti() { curl_multi_cleanup(multi_); }

void CurlMulti::Add(CURL* easy) {
  curl_multi_add_handle(multi_, easy);
  ++transfers_;
}

void CurlMulti::Remove(CURL* easy) {
  streams_.Leave(easy);
  curl_multi_remove_handle(multi_, easy);
  --transfers_;
}

void CurlMulti::OnEvents(curl_socket_t socket, uint32_t epoll_events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, ToCurlEvents(epoll_events), &running);
}

void CurlMulti::RunTimer() {
  if (due_ > now_) return;
  // libcurl asks for a timer only when its wish changes, so the old one is forgotten first. It may
  // ask for another at once, and again and again while a long answer arrives: that is for the next
  // round, so that commands are heard in between.
  due_ = absl::InfiniteDuration();
  int running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

std::optional<CurlMulti::Done> CurlMulti::NextDone() {
  int rest = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &rest)) {
    if (message->msg != CURLMSG_DONE) continue;
    return Done{.easy = message->easy_handle, .code = message->data.result};
  }
  return std::nullopt;
}

void CurlMulti::AllowHttp1() {
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, max_http1_connections_);
  // Those that wait for a connection are looked at when any request ends.
  CURL* const none = curl_easy_init();
  curl_multi_add_handle(multi_, none);
  curl_multi_remove_handle(multi_, none);
  curl_easy_cleanup(none);
}

void CurlMulti::KeepNoConnections() {
  // 0 would mean no limit. With 1, the last one goes with this object.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L);
}

int CurlMulti::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto& multi = *static_cast<CurlMulti*>(self);
  multi.sockets_.Watch(socket, what, multi);
  return 0;
}

int CurlMulti::OnTimer(CURLM*, long timeout_ms, void* self) {
  auto& multi = *static_cast<CurlMulti*>(self);
  multi.due_ =
      timeout_ms < 0 ? absl::InfiniteDuration() : multi.now_ + absl::Milliseconds(timeout_ms);
  return 0;
}

}  // namespace penstock::http
