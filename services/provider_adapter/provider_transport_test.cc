#include "services/provider_adapter/provider_transport.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "libs/http/test_authority.h"

namespace penstock::provider_adapter {
namespace {

config::v1::Provider Provider() {
  config::v1::Provider provider;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(base_url: "https://provider.test/v1"
           max_streams: 1024
           http_version: "auto"
           max_connections: 16
           max_connection_age { seconds: 600 })pb",
      &provider));
  return provider;
}

TEST(ProviderTransport, KeepsAConnectionForEachStream) {
  const auto transport = TransportOf(Provider(), "providers[0]");

  ASSERT_TRUE(transport.ok()) << transport.status();
  EXPECT_EQ((*transport)->max_kept_connections, 1024);
  EXPECT_EQ((*transport)->max_connection_age, absl::Minutes(10));
  EXPECT_EQ((*transport)->ca_file, "");
  EXPECT_EQ((*transport)->proxy, "");
}

TEST(ProviderTransport, NegotiatesTheVersionOverTlsUnlessToldNotTo) {
  config::v1::Provider provider = Provider();
  EXPECT_EQ((*TransportOf(provider, "providers[0]"))->version, http::HttpVersion::kNegotiated);
  EXPECT_EQ((*TransportOf(provider, "providers[0]"))->max_connections, 16);

  provider.set_http_version("1.1");
  EXPECT_EQ((*TransportOf(provider, "providers[0]"))->version, http::HttpVersion::kHttp1);

  provider.set_http_version("auto");
  provider.set_base_url("http://127.0.0.1:8000/v1");
  EXPECT_EQ((*TransportOf(provider, "providers[0]"))->version, http::HttpVersion::kHttp1);
}

TEST(ProviderTransport, TakesWhatIsSet) {
  const http::TestAuthority authority;
  config::v1::Provider provider = Provider();
  provider.set_ca_file(authority.ca_file());
  provider.set_proxy("http://user:word@proxy:3128");

  const auto transport = TransportOf(provider, "providers[0]");

  ASSERT_TRUE(transport.ok()) << transport.status();
  EXPECT_EQ((*transport)->ca_file, authority.ca_file());
  EXPECT_EQ((*transport)->proxy, "http://user:word@proxy:3128");
}

TEST(ProviderTransport, NeedsRoomForEveryStream) {
  config::v1::Provider provider = Provider();
  provider.set_max_connections(11);
  EXPECT_TRUE(TransportOf(provider, "providers[0]").ok());

  provider.set_max_connections(10);

  EXPECT_EQ(TransportOf(provider, "providers[0]").status().message(),
            "providers[0].max_connections: found 10, allowed at least 11: max_streams is 1024, and "
            "a connection takes 100 streams");
  provider.set_http_version("1.1");
  EXPECT_TRUE(TransportOf(provider, "providers[0]").ok());
}

TEST(ProviderTransport, NamesACaFileThatCannotBeUsed) {
  config::v1::Provider provider = Provider();
  provider.set_ca_file("/nowhere/ca.pem");

  EXPECT_EQ(TransportOf(provider, "providers[3]").status().message(),
            "providers[3].ca_file: found /nowhere/ca.pem, which cannot be read: No such file or "
            "directory, allowed a PEM file with certificates");
}

}  // namespace
}  // namespace penstock::provider_adapter
