#include "libs/host/endpoint.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::host {
namespace {

using testing::HasSubstr;

TEST(Endpoint, IsReadAndWrittenAlike) {
  for (const char* text : {"127.0.0.1:7420", "[::1]:7420", "gateway.svc:0", "unix:run/gw.sock",
                           "unix:/run/gw.sock", "0.0.0.0:65535"}) {
    const auto endpoint = ParseEndpoint(text);

    ASSERT_TRUE(endpoint.ok()) << text << ": " << endpoint.status();
    EXPECT_EQ(endpoint->ToString(), text);
  }
}

TEST(Endpoint, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "localhost", "localhost:", ":7420", "h:65536", "h:-1", "h:1x", "h:+1", "::1:7420",
        "[::1]", "[::g]:1", "[1.2.3.4]:1", "unix:", "a b:1", "http://h:1"}) {
    const auto endpoint = ParseEndpoint(text);

    EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Endpoint, RefusesASocketPathThatTheSystemCannotHold) {
  const auto endpoint = ParseEndpoint("unix:/" + std::string(107, 'x'));

  EXPECT_THAT(std::string(endpoint.status().message()),
              HasSubstr("108 bytes, allowed at most 107"));
}

TEST(Endpoint, KnowsLoopback) {
  for (const char* text :
       {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(IsLoopback(*ParseEndpoint(text))) << text;
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.0.0.1.example.org:1",
                           "[::ffff:10.0.0.1]:1", "unix:127.0.0.1"}) {
    EXPECT_FALSE(IsLoopback(*ParseEndpoint(text))) << text;
  }
}

TEST(CheckListener, AllowsLoopbackUnixAndWhatIsDeclaredInsecure) {
  EXPECT_TRUE(CheckListener(*ParseEndpoint("127.0.0.1:1"), {}).ok());
  EXPECT_TRUE(CheckListener(*ParseEndpoint("unix:x"), {}).ok());
  config::v1::Config config;
  config.mutable_endpoints()->set_insecure(true);
  EXPECT_TRUE(CheckListener(*ParseEndpoint("0.0.0.0:1"), config).ok());
}

TEST(CheckListener, AllowsAnyAddressWithTls) {
  config::v1::Config config;
  config.mutable_tls()->set_cert_file("/etc/penstock/tls.crt");

  EXPECT_TRUE(CheckListener(*ParseEndpoint("0.0.0.0:7420"), config).ok());
}

TEST(CheckListener, RefusesAListenerOnTheNetworkAndSaysWhatToDo) {
  const absl::Status status = CheckListener(*ParseEndpoint("0.0.0.0:7420"), {});

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("0.0.0.0:7420"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("tls.cert_file"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("endpoints.insecure: true"));
}

}  // namespace
}  // namespace penstock::host
