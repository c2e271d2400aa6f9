#include "services/cli/connection.h"

#include <algorithm>
#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/identity/jwt.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status.h"
#include "services/cli/tls_flags.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::cli {
namespace {

constexpr absl::string_view kDefaultAddress = "127.0.0.1:7420";

// gRPC ends the process for metadata with other characters.
absl::StatusOr<std::string> Printable(const Arguments& arguments, absl::string_view flag) {
  const std::string value(absl::StripAsciiWhitespace(arguments.Value(flag)));
  const bool printable = std::all_of(value.begin(), value.end(), [](char character) {
    return absl::ascii_isprint(static_cast<unsigned char>(character));
  });
  if (printable) return value;
  return UsageError(absl::StrCat(flag, ": found other characters than printable ASCII"));
}

}  // namespace

std::string AddressOf(const Arguments& arguments) {
  return arguments.Value("--address", kDefaultAddress);
}

absl::StatusOr<Connection> Connection::Open(const Arguments& arguments) {
  const std::string address = AddressOf(arguments);
  if (const auto endpoint = host::ParseEndpoint(address); !endpoint.ok()) {
    return UsageError(absl::StrCat("--address: ", endpoint.status().message()));
  }
  PENSTOCK_ASSIGN_OR_RETURN(auto credentials, TlsOf(arguments));
  Connection connection(address, rpc::OpenChannel(address, std::move(credentials)));
  PENSTOCK_ASSIGN_OR_RETURN(connection.token_, Printable(arguments, "--token"));
  PENSTOCK_ASSIGN_OR_RETURN(connection.on_behalf_of_, Printable(arguments, "--on-behalf-of"));
  PENSTOCK_ASSIGN_OR_RETURN(connection.timeout_,
                            arguments.Duration("--timeout", absl::InfiniteDuration()));
  return connection;
}

void Connection::Prepare(grpc::ClientContext& context, absl::Duration patience) const {
  if (!token_.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token_));
  if (!on_behalf_of_.empty()) {
    context.AddMetadata(std::string(identity::kOnBehalfOfMetadata), on_behalf_of_);
  }
  const absl::Duration time = timeout_ == absl::InfiniteDuration() ? patience : timeout_;
  if (time != absl::InfiniteDuration()) {
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(time));
  }
}

absl::Status Connection::Run(const std::function<grpc::Status(grpc::ClientContext*)>& call,
                             absl::Duration patience) const {
  grpc::ClientContext context;
  Prepare(context, patience);
  return rpc::FromGrpc(call(&context));
}

}  // namespace penstock::cli
