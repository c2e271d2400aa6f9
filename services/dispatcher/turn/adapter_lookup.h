// Where the provider-adapters are now.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "libs/async/awaitable.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

// The addresses of all of them, "10.0.0.7:7424", or none; an error: it could not be found out.
using AdapterLookup = std::function<Awaitable<absl::StatusOr<std::vector<std::string>>>()>;

// Looks a name up by the system's resolver, on a thread of asio's. `endpoint`: "host:port"; a
// "unix:path" is its only address. INVALID_ARGUMENT when it is neither. `io` outlives the lookup.
absl::StatusOr<AdapterLookup> LookupOf(absl::string_view endpoint, boost::asio::io_context& io);

}  // namespace penstock::dispatcher
