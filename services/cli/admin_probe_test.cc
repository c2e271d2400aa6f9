#include "services/cli/admin_probe.h"

#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/host/admin_server.h"

#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

using testing::HasSubstr;

class AdminProbe : public testing::Test {
 protected:
  host::Endpoint At(const std::string& address) { return host::ParseEndpoint(address).value(); }

  obs::Metrics metrics_;
  host::Health health_;
  std::unique_ptr<host::AdminServer> server_ =
      host::AdminServer::Listen(At("127.0.0.1:0"), metrics_, health_).value();
};

TEST_F(AdminProbe, SaysWhetherAProcessIsReadyAndWhyNot) {
  const auto starting = AskReadiness(At(server_->address()), absl::Seconds(10));
  health_.StartServing({});
  const auto serving = AskReadiness(At(server_->address()), absl::Seconds(10));

  ASSERT_TRUE(starting.ok()) << starting.status();
  EXPECT_FALSE(starting->ready);
  EXPECT_THAT(starting->reasons, HasSubstr("starting"));
  ASSERT_TRUE(serving.ok()) << serving.status();
  EXPECT_TRUE(serving->ready);
}

TEST_F(AdminProbe, ResolvesNamesAndTriesEachAddress) {
  health_.StartServing({});
  host::Endpoint by_name = At(server_->address());
  by_name.host = "localhost";

  const auto found = AskReadiness(by_name, absl::Seconds(10));

  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(found->ready);
}

TEST_F(AdminProbe, NobodyThereIsUnavailable) {
  const host::Endpoint gone = At(server_->address());
  server_.reset();

  const auto found = AskReadiness(gone, absl::Seconds(10));

  EXPECT_EQ(found.status().code(), absl::StatusCode::kUnavailable) << found.status();
  EXPECT_THAT(found.status().message(), HasSubstr(gone.ToString()));
}

TEST_F(AdminProbe, OneThatNeverAnswersTakesNoLongerThanAsked) {
  boost::asio::io_context io;
  const boost::asio::ip::tcp::acceptor silent(io, {boost::asio::ip::make_address("127.0.0.1"), 0});

  const auto found = AskReadiness(At(absl::StrCat("127.0.0.1:", silent.local_endpoint().port())),
                                  absl::Milliseconds(50));

  EXPECT_EQ(found.status().code(), absl::StatusCode::kDeadlineExceeded) << found.status();
}

}  // namespace
}  // namespace penstock::cli
