// The command against a gateway that speaks mutual TLS only.

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/rpc/server_host.h"
#include "libs/rpc/test_authority.h"
#include "libs/rpc/tls_credentials.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/cli/child_process.h"

namespace penstock::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TlsProgram : public testing::Test {
 protected:
  TlsProgram() {
    std::string pattern = testing::TempDir() + "/tls-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    authority_.WriteTo(folder_, "ca");
    authority_.Issue({.dns_names = {"client"}}).WriteTo(folder_, "client");
    const rpc::IssuedPair own = authority_.Issue({.dns_names = {"gateway"}});
    rpc::Certificates certificates;
    certificates.chain = own.certificate;
    certificates.key = own.key;
    certificates.authorities = authority_.certificate();
    rpc::ListenerOptions options;
    options.credentials = rpc::ServerTls(rpc::ProviderOf(certificates));
    host_ = *rpc::ServerHost::Start("127.0.0.1:0", {&turns_}, options);
    host_->SetServing(true);
  }
  ~TlsProgram() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& name) const { return folder_ + "/" + name; }

  // `penstock health` with `flags`; its exit code, and both outputs.
  std::pair<int, std::string> Health(std::vector<std::string> flags,
                                     std::vector<std::string> variables = {}) {
    flags.insert(flags.begin(), {PENSTOCK_COMMAND, "health", "--address", host_->endpoint()});
    ChildProcess child(flags, std::move(variables));
    child.EndInput();
    const int exit_code = child.Wait();
    return {exit_code, child.out() + child.error()};
  }

  const rpc::TestAuthority authority_;
  std::string folder_;
  gateway::v1::Turns::Service turns_;
  std::unique_ptr<rpc::ServerHost> host_;
};

TEST_F(TlsProgram, TalksToAGatewayByFlagsOrByTheEnvironment) {
  const auto by_flags = Health({"--tls-ca", File("ca.crt"), "--tls-cert", File("client.crt"),
                                "--tls-key", File("client.key")});
  EXPECT_EQ(by_flags.first, 0) << by_flags.second;

  const auto by_environment =
      Health({}, {"PENSTOCK_TLS_CA=" + File("ca.crt"), "PENSTOCK_TLS_CERT=" + File("client.crt"),
                  "PENSTOCK_TLS_KEY=" + File("client.key")});
  EXPECT_EQ(by_environment.first, 0) << by_environment.second;
}

TEST_F(TlsProgram, SaysWhoAnsweredInsteadOfTheGateway) {
  const auto [exit_code, text] =
      Health({"--tls-ca", File("ca.crt"), "--tls-cert", File("client.crt"), "--tls-key",
              File("client.key"), "--tls-name", "gateway.example"});

  EXPECT_EQ(exit_code, 1);
  EXPECT_THAT(text, HasSubstr("found gateway, expected gateway.example"));
}

TEST_F(TlsProgram, SaysThatNobodyVouchesForTheGateway) {
  rpc::TestAuthority("stranger").WriteTo(folder_, "other");

  const auto [exit_code, text] = Health({"--tls-ca", File("other.crt")});

  EXPECT_EQ(exit_code, 1);
  EXPECT_THAT(text, HasSubstr("certificate verify failed"));
}

TEST_F(TlsProgram, SaysWhatToDoWithoutTls) {
  const auto [exit_code, text] = Health({});

  EXPECT_EQ(exit_code, 1);
  EXPECT_THAT(text, HasSubstr("--tls-ca, --tls-cert and --tls-key"));
}

TEST_F(TlsProgram, NamesTheFlagOfAFileThatIsWrong) {
  const auto absent = Health({"--tls-ca", File("absent.crt")});
  EXPECT_EQ(absent.first, 1);
  EXPECT_THAT(absent.second, AllOf(HasSubstr("--tls-ca"), HasSubstr("absent.crt")));

  const auto mismatched = Health(
      {"--tls-ca", File("ca.crt"), "--tls-cert", File("ca.crt"), "--tls-key", File("client.key")});
  EXPECT_EQ(mismatched.first, 1);
  EXPECT_THAT(mismatched.second, AllOf(HasSubstr("--tls-key"), HasSubstr("another certificate")));
}

TEST_F(TlsProgram, WantsTheFlagsThatBelongTogether) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--tls-cert", "c"}, "--tls-cert needs --tls-key, too"},
      {{"--tls-key", "k"}, "--tls-key needs --tls-cert, too"},
      {{"--tls-cert", "c", "--tls-key", "k"}, "--tls-cert needs --tls-ca, too"},
      {{"--tls-name", "n"}, "--tls-name needs --tls-ca, too"}};
  for (const auto& [flags, message] : cases) {
    const auto [exit_code, text] = Health(flags);
    EXPECT_EQ(exit_code, 2);
    EXPECT_THAT(text, HasSubstr(message));
  }
}

}  // namespace
}  // namespace penstock::cli
