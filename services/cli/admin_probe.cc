#include "services/cli/admin_probe.h"

#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "libs/async/awaitable.h"
#include "libs/base/status_macros.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

// One kind of socket for TCP and Unix.
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol>;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr unsigned kReady = 200;
constexpr unsigned kNotReady = 503;

absl::Status NotReached(const host::Endpoint& admin, const error_code& error) {
  const std::string message = absl::StrCat("admin port ", admin.ToString(), ": ", error.message());
  return error == beast::error::timeout ? absl::DeadlineExceededError(message)
                                        : absl::UnavailableError(message);
}

absl::StatusOr<std::vector<Protocol::endpoint>> Resolve(asio::io_context& io,
                                                        const host::Endpoint& admin) {
  if (admin.is_unix()) {
    return std::vector{Protocol::endpoint(asio::local::stream_protocol::endpoint(admin.unix_path))};
  }
  error_code error;
  asio::ip::tcp::resolver resolver(io);
  std::vector<Protocol::endpoint> addresses;
  for (const auto& found : resolver.resolve(admin.host, std::to_string(admin.port), error)) {
    addresses.emplace_back(found.endpoint());
  }
  if (error || addresses.empty()) return NotReached(admin, error);
  return addresses;
}

absl::StatusOr<Readiness> Judge(const host::Endpoint& admin,
                                const http::response<http::string_body>& response) {
  const unsigned status = response.result_int();
  if (status != kReady && status != kNotReady) {
    return absl::InternalError(absl::StrCat("admin port ", admin.ToString(), ": found HTTP status ",
                                            status, " for /readyz, expected 200 or 503"));
  }
  return Readiness{status == kReady, std::string(absl::StripAsciiWhitespace(response.body()))};
}

Awaitable<absl::StatusOr<Readiness>> Ask(Stream& stream, const host::Endpoint& admin,
                                         std::vector<Protocol::endpoint> addresses) {
  error_code error;
  for (const Protocol::endpoint& address : addresses) {
    std::tie(error) = co_await stream.async_connect(address, kAsTuple);
    if (!error) break;
  }
  if (error) co_return NotReached(admin, error);

  http::request<http::empty_body> request(http::verb::get, "/readyz", 11);
  request.set(http::field::host, "admin");
  request.keep_alive(false);
  const auto [write_error, written] = co_await http::async_write(stream, request, kAsTuple);
  if (write_error) co_return NotReached(admin, write_error);

  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  const auto [read_error, read] = co_await http::async_read(stream, buffer, response, kAsTuple);
  if (read_error) co_return NotReached(admin, read_error);
  co_return Judge(admin, response);
}

}  // namespace

absl::StatusOr<Readiness> AskReadiness(const host::Endpoint& admin, absl::Duration patience) {
  asio::io_context io(1);
  PENSTOCK_ASSIGN_OR_RETURN(auto addresses, Resolve(io, admin));
  Stream stream(io);
  stream.expires_after(absl::ToChronoNanoseconds(patience));
  absl::StatusOr<Readiness> answer = absl::InternalError("nothing was asked");
  Spawn(io.get_executor(),
        [](Stream& to, const host::Endpoint& from, auto at,
           absl::StatusOr<Readiness>& result) -> Awaitable<void> {
          result = co_await Ask(to, from, std::move(at));
        }(stream, admin, std::move(addresses), answer));
  io.run();
  return answer;
}

}  // namespace penstock::cli
