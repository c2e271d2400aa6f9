#include "libs/http/certificate_file.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/http/test_authority.h"

namespace penstock::http {
namespace {

using testing::HasSubstr;

class CertificateFileTest : public testing::Test {
 protected:
  std::string Write(const std::string& text) {
    const std::string path = testing::TempDir() + "/certificates.pem";
    std::ofstream(path) << text;
    return path;
  }
  std::string Certificate() {
    std::ifstream file(authority_.ca_file());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string ErrorOf(const std::string& path) {
    return std::string(CheckCertificateFile(path).message());
  }

  TestAuthority authority_;
};

TEST_F(CertificateFileTest, IsRightWithOneOrMoreAndWordsBetween) {
  EXPECT_TRUE(CheckCertificateFile(authority_.ca_file()).ok());
  EXPECT_TRUE(
      CheckCertificateFile(Write("ours\n" + Certificate() + "theirs\n" + Certificate())).ok());
}

TEST_F(CertificateFileTest, IsWrongWhenItIsNotThereOrEmpty) {
  EXPECT_EQ(CheckCertificateFile("/nowhere/ca.pem").code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(ErrorOf("/nowhere/ca.pem"), HasSubstr("cannot be read: No such file"));
  EXPECT_THAT(ErrorOf(Write("")), HasSubstr("holds no certificate"));
  EXPECT_THAT(ErrorOf(Write("-----BEGIN PUBLIC KEY-----\n")), HasSubstr("holds"));
  EXPECT_FALSE(CheckCertificateFile(testing::TempDir()).ok());
}

TEST_F(CertificateFileTest, IsWrongWhenACertificateIsCutShort) {
  const std::string whole = Certificate();

  EXPECT_THAT(ErrorOf(Write(whole.substr(0, whole.size() / 2))), HasSubstr("broken, number 1"));
  EXPECT_THAT(ErrorOf(Write(whole + whole.substr(0, whole.size() / 2))),
              HasSubstr("broken, number 2"));
}

}  // namespace
}  // namespace penstock::http
