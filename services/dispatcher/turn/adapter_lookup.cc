#include "services/dispatcher/turn/adapter_lookup.h"

#include <memory>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using boost::asio::ip::tcp;
using Addresses = std::vector<std::string>;

Awaitable<absl::StatusOr<Addresses>> Only(std::string address) {
  co_return Addresses{std::move(address)};
}

Awaitable<absl::StatusOr<Addresses>> Resolve(std::string host, uint16_t port,
                                             boost::asio::io_context& io) {
  tcp::resolver resolver(io);
  boost::system::error_code error;
  const auto found = co_await resolver.async_resolve(
      host, absl::StrCat(port), tcp::resolver::numeric_service,
      boost::asio::redirect_error(boost::asio::use_awaitable, error));
  // The name of a service without a pod that is ready.
  const bool none =
      error == boost::asio::error::host_not_found || error == boost::asio::error::no_data;
  if (none) co_return Addresses();
  if (error) co_return absl::UnavailableError(absl::StrCat(host, ": ", error.message()));
  Addresses addresses;
  for (const auto& entry : found) {
    const host::Endpoint endpoint{.host = entry.endpoint().address().to_string(),
                                  .port = entry.endpoint().port(),
                                  .unix_path = ""};
    addresses.push_back(endpoint.ToString());
  }
  co_return addresses;
}

}  // namespace

absl::StatusOr<AdapterLookup> LookupOf(absl::string_view endpoint, boost::asio::io_context& io) {
  PENSTOCK_ASSIGN_OR_RETURN(const host::Endpoint parsed, host::ParseEndpoint(endpoint));
  if (parsed.is_unix()) {
    return AdapterLookup([address = std::string(endpoint)] { return Only(address); });
  }
  return AdapterLookup(
      [host = parsed.host, port = parsed.port, &io] { return Resolve(host, port, io); });
}

}  // namespace penstock::dispatcher
