#include "libs/http/url_credentials.h"

#include <gtest/gtest.h>

namespace penstock::http {
namespace {

TEST(UrlCredentials, StandBetweenSchemeAndHost) {
  EXPECT_EQ(CredentialsOf("http://user:word@host:3128"), "user:word");
  EXPECT_EQ(CredentialsOf("socks5h://user@host"), "user");
  EXPECT_EQ(CredentialsOf("http://user:w@rd@host/path"), "user:w@rd");
  EXPECT_EQ(CredentialsOf("user:word@host"), "user:word");
  EXPECT_EQ(CredentialsOf("https://host/a@b"), "");
  EXPECT_EQ(CredentialsOf("https://host?a@b"), "");
  EXPECT_EQ(CredentialsOf(""), "");
}

TEST(UrlCredentials, AreHiddenWhereverATextQuotesThem) {
  EXPECT_EQ(HideCredentials("no 'http://u:p@h' and u:p", "http://u:p@h"),
            "no 'http://***@h' and ***");
  EXPECT_EQ(HideCredentials("refused", "http://u:p@h"), "refused");
  EXPECT_EQ(HideCredentials("refused", "http://h"), "refused");
}

}  // namespace
}  // namespace penstock::http
