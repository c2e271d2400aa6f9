#include "libs/rpc/certificates.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libs/rpc/memory_file.h"
#include "libs/rpc/test_authority.h"

#include "absl/strings/str_cat.h"

namespace penstock::rpc {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class CertificatesTest : public testing::Test {
 protected:
  CertificatesTest() {
    std::string pattern = testing::TempDir() + "/certificates-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    authority_.WriteTo(folder_, "ca");
    Issue({.dns_names = {"gateway"}});
  }
  ~CertificatesTest() override { std::filesystem::remove_all(folder_); }

  void Issue(const Subject& subject) { authority_.Issue(subject).WriteTo(folder_, "tls"); }

  CertificateFiles Files() const {
    return {.certificate = {"tls.cert_file", folder_ + "/tls.crt"},
            .key = {"tls.key_file", folder_ + "/tls.key"},
            .authorities = {"tls.ca_file", folder_ + "/ca.crt"}};
  }

  std::string Refused() const {
    const auto read = ReadCertificates(Files(), kNow);
    EXPECT_FALSE(read.ok());
    return std::string(read.status().message());
  }

  const TestAuthority authority_;
  std::string folder_;
};

TEST_F(CertificatesTest, ReadsNamesAndEnd) {
  const absl::Time ends = kNow + absl::Hours(24);
  Issue({.dns_names = {"gateway", "gateway.penstock.svc"},
         .uris = {"spiffe://mesh/gateway"},
         .ends = ends});

  const auto read = ReadCertificates(Files(), kNow);

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->expires, ends);
  EXPECT_THAT(read->names, ElementsAre("gateway", "gateway.penstock.svc", "spiffe://mesh/gateway"));
  EXPECT_EQ(read->authorities, authority_.certificate());
}

TEST_F(CertificatesTest, NeedsNoCertificateOfAClientThatHasNone) {
  CertificateFiles files = Files();
  files.certificate.path = files.key.path = "";

  const auto read = ReadCertificates(files, kNow);

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->expires, absl::InfiniteFuture());
}

TEST_F(CertificatesTest, NamesAFileThatIsNotThere) {
  std::filesystem::remove(folder_ + "/tls.key");

  EXPECT_THAT(Refused(), AllOf(StartsWith(absl::StrCat("tls.key_file ", folder_, "/tls.key: ")),
                               HasSubstr("No such file")));
}

TEST_F(CertificatesTest, RefusesTheKeyOfAnotherCertificate) {
  ReplaceFile(folder_, "tls.key", authority_.Issue({}).key);

  EXPECT_THAT(Refused(), AllOf(StartsWith("tls.key_file "), HasSubstr("another certificate"),
                               HasSubstr("exchange both together")));
}

TEST_F(CertificatesTest, RefusesTextThatIsNoneAndShowsNoKey) {
  const std::string key = authority_.Issue({}).key;
  for (const std::string& text : {std::string(), std::string("hello"), key}) {
    ReplaceFile(folder_, "tls.crt", text);
    EXPECT_THAT(Refused(), AllOf(StartsWith("tls.cert_file "), HasSubstr("found no certificate"),
                                 Not(HasSubstr("MI"))));
  }
  Issue({});
  ReplaceFile(folder_, "tls.key", authority_.certificate());
  EXPECT_THAT(Refused(), AllOf(StartsWith("tls.key_file "), HasSubstr("found no private key")));
  Issue({});
  ReplaceFile(folder_, "ca.crt", "");
  EXPECT_THAT(Refused(), AllOf(StartsWith("tls.ca_file "), HasSubstr("found no certificate")));
}

TEST_F(CertificatesTest, RefusesWhatHasExpiredOrIsNotYetValid) {
  Issue({.ends = kNow - absl::Seconds(1)});
  EXPECT_THAT(Refused(), AllOf(StartsWith("tls.cert_file "), HasSubstr("expired at 2027-01-15")));

  Issue({.begins = kNow + absl::Seconds(1)});
  EXPECT_THAT(Refused(), AllOf(HasSubstr("not valid before"), HasSubstr("compare the clocks")));
}

TEST_F(CertificatesTest, RefusesMoreThanAMebibyte) {
  ReplaceFile(folder_, "ca.crt", std::string((1 << 20) + 1, '\n'));

  EXPECT_THAT(Refused(), AllOf(StartsWith("tls.ca_file "), HasSubstr("found more than 1048576")));
}

TEST(NameMatches, ComparesDnsNamesWithoutCaseAndUrisByteByByte) {
  EXPECT_TRUE(NameMatches("Gateway", "gateway"));
  EXPECT_FALSE(NameMatches("gateway", "gateway.evil.example"));
  EXPECT_TRUE(NameMatches("spiffe://mesh/gateway", "spiffe://mesh/gateway"));
  EXPECT_FALSE(NameMatches("spiffe://mesh/gateway", "spiffe://mesh/Gateway"));
}

TEST(NameMatches, TakesOneLabelForAStar) {
  EXPECT_TRUE(NameMatches("*.penstock.svc", "gateway.penstock.svc"));
  EXPECT_FALSE(NameMatches("*.penstock.svc", "penstock.svc"));
  EXPECT_FALSE(NameMatches("*.penstock.svc", ".penstock.svc"));
  EXPECT_FALSE(NameMatches("*.penstock.svc", "a.b.penstock.svc"));
}

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(MemoryFile, ExchangesItsTextAtOnePathWithATimeOfItsOwn) {
  MemoryFile file;
  ASSERT_TRUE(file.Set("first, and longer").ok());
  const std::string path = file.path();
  struct stat first{};
  ASSERT_EQ(stat(path.c_str(), &first), 0);
  std::ifstream reader(path);

  ASSERT_TRUE(file.Set("second").ok());

  EXPECT_EQ(file.path(), path);
  EXPECT_EQ(Contents(path), "second");
  struct stat second{};
  ASSERT_EQ(stat(path.c_str(), &second), 0);
  EXPECT_EQ(second.st_mtime, first.st_mtime + 1);
  std::ostringstream of_the_reader;
  of_the_reader << reader.rdbuf();
  EXPECT_EQ(of_the_reader.str(), "first, and longer");
}

}  // namespace
}  // namespace penstock::rpc
