#include "libs/http/curl_error_kind.h"

namespace penstock::http {

HttpOutcome::Kind KindOfCurlError(CURLcode code, bool sent) {
  switch (code) {
    case CURLE_OK:
      return HttpOutcome::Kind::kOk;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_URL_MALFORMAT:
      return HttpOutcome::Kind::kConnectFailed;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return HttpOutcome::Kind::kTls;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
      return HttpOutcome::Kind::kProtocol;
    case CURLE_OPERATION_TIMEDOUT:
      return sent ? HttpOutcome::Kind::kTimeoutIdle : HttpOutcome::Kind::kTimeoutConnect;
    default:
      return sent ? HttpOutcome::Kind::kReset : HttpOutcome::Kind::kConnectFailed;
  }
}

}  // namespace penstock::http
