#include "tests/providersim/connection.h"

#include <memory>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "tests/providersim/anthropic/format.h"
#include "tests/providersim/completion_sender.h"
#include "tests/providersim/json_text.h"
#include "tests/providersim/limit_state.h"
#include "tests/providersim/openai/format.h"
#include "tests/providersim/substitute.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr uint64_t kBodyLimit = 64 * 1024 * 1024;
// A usual request is read in one piece; the buffer would start with 512 bytes.
constexpr size_t kReadBytes = 16 * 1024;

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

absl::string_view Header(const Connection::Request& request, absl::string_view name) {
  return View(request[boost::beast::string_view(name.data(), name.size())]);
}

std::string HeadersJson(const Connection::Request& request) {
  std::string out = "{";
  for (const auto& field : request) {
    const std::string name = absl::AsciiStrToLower(View(field.name_string()));
    if (name == "authorization" || name == "x-api-key") continue;
    if (out.size() > 1) out += ",";
    out += '"';
    AppendEscaped(out, name);
    out += "\":\"";
    AppendEscaped(out, View(field.value()));
    out += '"';
  }
  return out + "}";
}

AccessHeaders AccessOf(const Connection::Request& request) {
  return {.authorization = Header(request, "authorization"),
          .api_key = Header(request, "x-api-key"),
          .anthropic_version = Header(request, "anthropic-version")};
}

// Without its query.
absl::string_view PathOf(const Connection::Request& request) {
  const absl::string_view target = View(request.target());
  return target.substr(0, target.find('?'));
}

// The format that a path is of; of /v1/models, which both have, that of who asks.
const WireFormat& FormatOf(const Connection::Request& request) {
  const absl::string_view version = Header(request, "anthropic-version");
  const absl::string_view path = PathOf(request);
  const bool shared = path == "/v1/models" || absl::StartsWith(path, "/v1/models/");
  if (path == "/v1/messages" || absl::StartsWith(path, "/v1/messages/") ||
      (shared && !version.empty())) {
    return anthropic::Format(version);
  }
  return openai::Format();
}

// Turn and attempt: from the headers of that name, else from OpenAI's X-Client-Request-Id, which
// Penstock fills with "{turn}.{attempt}".
std::pair<std::string, std::string> TurnAndAttempt(const Connection::Request& request) {
  const absl::string_view turn = Header(request, "x-penstock-turn");
  const absl::string_view id = Header(request, "x-client-request-id");
  const size_t dot = id.rfind('.');
  if (!turn.empty() || dot == absl::string_view::npos) {
    return {std::string(turn), std::string(Header(request, "x-penstock-attempt"))};
  }
  return {std::string(id.substr(0, dot)), std::string(id.substr(dot + 1))};
}

CallRecord RecordOf(Connection::Request& request, const WireFormat& format, const Reply& reply,
                    bool keep) {
  auto [turn, attempt] = TurnAndAttempt(request);
  CallRecord record{.turn = std::move(turn),
                    .attempt = std::move(attempt),
                    .prompt_hash = reply.prompt_hash,
                    .newest_hash = reply.newest_hash,
                    .format = format.name(),
                    .stream = reply.stream};
  if (!keep) return record;
  record.headers = HeadersJson(request);
  record.body_is_json = reply.body_is_json;
  record.body = std::move(request.body());
  return record;
}

// Instead of what was planned, and at once.
void Fail(Reply& reply, ApiError error) {
  reply.error = std::move(error);
  reply.first_token = std::chrono::milliseconds(0);
  reply.retry_after.reset();
}

// Tells the log of a call's end, also when the coroutine that serves it is dropped.
class OpenCall {
 public:
  OpenCall(CallLog& log, CallRecord record) : log_(log), record_(std::move(record)) {
    log_.Begin(record_);
  }
  ~OpenCall() { log_.End(record_, outcome_, status_, tokens_); }
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;

  void Ended(Outcome outcome, int status, int tokens) {
    outcome_ = outcome;
    status_ = status;
    tokens_ = tokens;
  }

 private:
  CallLog& log_;
  CallRecord record_;
  Outcome outcome_ = Outcome::kStopped;
  int status_ = 0;
  int tokens_ = 0;
};

}  // namespace

Connection::Connection(Socket socket, Simulator& simulator)
    : socket_(std::move(socket)),
      simulator_(simulator),
      number_(++simulator.connections),
      watch_(socket_) {
  simulator_.log.ConnectionOpened();
  buffer_.reserve(kReadBytes);
}

Connection::~Connection() { simulator_.log.ConnectionClosed(); }

Awaitable<void> Connection::Serve() {
  for (;;) {
    std::optional<Request> request = co_await ReadRequest();
    if (!request) break;
    const bool keep_alive = request->keep_alive();
    if (!co_await Answer(*std::move(request)) || !keep_alive) break;
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

Awaitable<std::optional<Connection::Request>> Connection::ReadRequest() {
  http::request_parser<http::string_body> parser;
  parser.body_limit(kBodyLimit);
  auto [failed, header_bytes] = co_await http::async_read_header(
      socket_, buffer_, parser, asio::as_tuple(asio::use_awaitable));
  if (!failed && View(parser.get()[http::field::expect]) == "100-continue") {
    if (!co_await Write("HTTP/1.1 100 Continue\r\n\r\n")) co_return std::nullopt;
  }
  if (!failed && !parser.is_done()) {
    auto [body_failed, bytes] =
        co_await http::async_read(socket_, buffer_, parser, asio::as_tuple(asio::use_awaitable));
    failed = body_failed;
  }
  if (!failed) co_return parser.release();
  if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
      failed != http::error::end_of_stream && failed != http::error::partial_message) {
    const bool large = failed == http::error::body_limit;
    const WireFormat& format = openai::Format();
    HttpAnswer answer = ErrorAnswer(
        format, {.status = large ? 413 : 400, .message = absl::StrCat("HTTP: ", failed.message())},
        absl::StrCat("req_", simulator_.NextId()));
    answer.headers += Admission(simulator_.limits, format).Headers();
    co_await Substitute(std::move(answer), false);
  }
  co_return std::nullopt;
}

Awaitable<bool> Connection::Answer(Request request) {
  const absl::string_view path = PathOf(request);
  const WireFormat& format = FormatOf(request);
  if (request.method() == http::verb::post) {
    if (path == "/v1/chat/completions" || path == "/v1/messages") {
      co_return co_await Complete(std::move(request), format);
    }
    if (path == "/v1/messages/count_tokens") co_return co_await CountTokens(request, format);
  }
  HttpAnswer answer =
      simulator_.control.Answer(View(request.method_string()), View(request.target()),
                                request.body(), format, absl::StrCat("req_", simulator_.NextId()));
  answer.headers += Admission(simulator_.limits, format).Headers();
  co_return co_await Substitute(std::move(answer), request.keep_alive());
}

Awaitable<bool> Connection::CountTokens(const Request& request, const WireFormat& format) {
  const std::string id = absl::StrCat("req_", simulator_.NextId());
  auto counted = anthropic::CountTokens(AccessOf(request), request.body(), simulator_.options);
  HttpAnswer answer = counted.error
                          ? ErrorAnswer(format, *counted.error, id)
                          : HttpAnswer{.body = counted.body,
                                       .headers = format.Headers(id, std::chrono::milliseconds(0))};
  co_return co_await Substitute(std::move(answer), request.keep_alive());
}

Awaitable<bool> Connection::Substitute(HttpAnswer answer, bool keep_alive) {
  std::string out;
  AppendAnswer(out, answer, keep_alive);
  return Write(std::move(out));
}

Reply Connection::Plan(const Request& request, const WireFormat& format) const {
  if (auto refused = format.CheckAccess(AccessOf(request), simulator_.options.api_key)) {
    Reply reply;
    reply.error = std::move(refused);
    return reply;
  }
  return PlanReply(request.body(), simulator_.options, simulator_.log.ledger(), format);
}

void Connection::Admit(absl::string_view api_key, const WireFormat& format, Reply& reply,
                       Admission& admission) {
  if (const int status = simulator_.outage.status(); status != 0) {
    Fail(reply, format.ErrorOfStatus(status, ""));
    return;
  }
  if (!reply.accepted) return;
  reply.cache = simulator_.cache.Look(api_key, reply.model, reply.prefixes);
  const Demand demand{.input_tokens = reply.prompt_tokens - reply.cache.read,
                      .max_output_tokens = reply.max_tokens};
  if (const auto exceeded = admission.Ask(api_key, reply.model, demand)) {
    Fail(reply, format.LimitError(*exceeded, reply.model));
    if (exceeded->retry_after) {
      reply.retry_after = std::chrono::milliseconds(WholeMillis(*exceeded->retry_after));
    }
    return;
  }
  Befall(format, reply);
  if (!reply.error) simulator_.cache.Keep(api_key, reply.model, reply.prefixes);
}

void Connection::Befall(const WireFormat& format, Reply& reply) {
  Faults& faults = reply.directives.faults;
  if (faults.counted()) {
    const int nth = simulator_.log.CountOf(reply.directives.key);
    if (faults.only_first && nth > *faults.only_first) faults = {};
    if (nth <= faults.fail_first) reply.error = format.ErrorOfStatus(faults.fail_status, "");
  }
  if (faults.status != 0) {
    reply.error = format.ErrorOfStatus(faults.status, faults.code);
    reply.retry_after = faults.retry_after;
  } else if (!reply.stream && faults.strike == Strike::kError) {
    reply.error = format.ErrorOfStatus(faults.error_status, faults.error_code);
  }
}

Awaitable<bool> Connection::Complete(Request request, const WireFormat& format) {
  const bool keep_alive = request.keep_alive();
  Reply reply = Plan(request, format);
  std::string id = simulator_.NextId();
  const std::string request_id = absl::StrCat("req_", id);
  const std::string key(format.KeyOf(AccessOf(request)));
  CallRecord record = RecordOf(request, format, reply, simulator_.log.records());
  record.connection = number_;
  record.request_id = request_id;
  OpenCall call(simulator_.log, std::move(record));
  if (simulator_.outage.resets()) {
    ResetConnection(socket_);
    call.Ended(Outcome::kCut, 0, 0);
    co_return false;
  }
  Admission admission(simulator_.limits, format);
  Admit(key, format, reply, admission);
  std::optional<HttpAnswer> substitute = SubstituteFor(reply, format, request_id);
  if (!substitute) {
    CompletionSender sender(socket_, watch_, simulator_.gates, admission, format, reply,
                            std::move(id));
    const Outcome outcome = co_await sender.Send();
    call.Ended(outcome, sender.status(), sender.tokens_sent());
    co_return outcome == Outcome::kCompleted || outcome == Outcome::kError;
  }
  if (reply.first_token.count() > 0 && !co_await watch_.SleepFor(reply.first_token)) {
    call.Ended(Outcome::kClientClosed, 0, 0);
    co_return false;
  }
  admission.Settle();
  substitute->headers += admission.Headers();
  const int status = substitute->status;
  const bool written = co_await Substitute(*std::move(substitute), keep_alive);
  call.Ended(written ? Outcome::kError : Outcome::kClientClosed, status, 0);
  co_return written;
}

Awaitable<bool> Connection::Write(std::string bytes) {
  auto [failed, written] =
      co_await asio::async_write(socket_, asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
  co_return !failed;
}

Awaitable<void> ServeConnection(Socket socket, Simulator& simulator) {
  Connection connection(std::move(socket), simulator);
  co_await connection.Serve();
}

}  // namespace penstock::providersim
