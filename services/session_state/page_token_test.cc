#include "services/session_state/page_token.h"

#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/testing.h"

namespace penstock::session_state {
namespace {

using identity::UserKeyForTest;

TEST(PageToken, GivesBackThePosition) {
  const std::string scope = ListScope(UserKeyForTest("acme", "u1"), {"turns", "sessions/s1"});
  const std::string position("\0\xff position", 11);

  EXPECT_EQ(ReadPageToken(scope, MakePageToken(scope, position)).value(), position);
  EXPECT_EQ(MakePageToken(scope, ""), "");
  EXPECT_EQ(ReadPageToken(scope, "").value(), "");
}

TEST(PageToken, OfAnotherUserListOrFilterIsRefused) {
  const auto user = UserKeyForTest("acme", "u1");
  const std::string token = MakePageToken(ListScope(user, {"turns", "ab", ""}), "position");

  for (const std::string& scope :
       {ListScope(UserKeyForTest("acme", "u11"), {"turns", "ab", ""}),
        ListScope(user, {"turns", "a", "b"}), ListScope(user, {"sessions"})}) {
    const absl::Status status = ReadPageToken(scope, token).status();
    EXPECT_EQ(ReasonOf(status), "FIELD_INVALID");
  }
}

TEST(PageToken, OfForeignBytesIsRefused) {
  const std::string scope = ListScope(UserKeyForTest("acme", "u1"), {"sessions"});
  const std::string token = MakePageToken(scope, "position");

  for (const std::string& bytes : {std::string("?"), std::string("AAAA"), "A" + token,
                                   token.substr(0, 12), std::string(300, 'A')}) {
    EXPECT_EQ(ReasonOf(ReadPageToken(scope, bytes).status()), "FIELD_INVALID") << bytes;
  }
}

}  // namespace
}  // namespace penstock::session_state
