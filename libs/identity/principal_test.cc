#include "libs/identity/principal.h"

#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/journaled.h"
#include "libs/identity/testing.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"

namespace penstock::identity {
namespace {

static_assert(!std::is_default_constructible_v<UserKey>);
static_assert(!std::is_constructible_v<UserKey, absl::string_view, absl::string_view>);
static_assert(!std::is_default_constructible_v<Principal>);
static_assert(!std::is_constructible_v<TenantKey, absl::string_view>);

TEST(UserKey, IsTheHashOfLengthsTenantAndUser) {
  const UserKey key = UserKeyForTest("acme", "ann");

  // Computed with Python's hashlib.
  EXPECT_EQ(absl::BytesToHexString(key.bytes()), "fcc4b0e6abc18cdabd6ef1c9041453ee");
  EXPECT_EQ(key.bucket(), 0xfcc4);
}

TEST(UserKey, OfNearlyEqualUsersDiffers) {
  const absl::flat_hash_set<UserKey> keys = {
      UserKeyForTest("acme", "u1"),
      UserKeyForTest("acme", "u11"),
      UserKeyForTest("acmeu", "1"),
      UserKeyForTest("a", "b"),
      UserKeyForTest("a/b", "c"),
      UserKeyForTest("a", "b/c"),
      UserKeyForTest("acme", "a/b"),
      UserKeyForTest("acme/a", "b"),
      UserKeyForTest("acme", "ann"),
      UserKeyForTest("acme", "Ann"),
      UserKeyForTest("acme", "ann "),
      UserKeyForTest("ann", "acme"),
      UserKeyForTest("acme", ""),
      UserKeyForTest("", "acme"),
      UserKeyForTest("acme", "\xc3\xa9"),
      UserKeyForTest("acme", "e\xcc\x81"),
      UserKeyForTest("acme", absl::string_view("u1\0", 3)),
  };

  EXPECT_EQ(keys.size(), 17u);
}

TEST(UserKey, OfTheJournalIsTheOneOfTheGrant) {
  EXPECT_EQ(UserKeyOfJournaled("acme", "ann"), UserKeyForTest("acme", "ann"));
}

TEST(UserKey, CountsSizesBeyondOneByte) {
  EXPECT_NE(UserKeyForTest(std::string(256, 'a'), "b"),
            UserKeyForTest(std::string(255, 'a'), "ab"));
}

TEST(TenantKey, IsSharedByTheUsersOfOneTenantOnly) {
  EXPECT_EQ(TenantKeyOf(PrincipalForTest("acme", "ann")),
            TenantKeyOf(PrincipalForTest("acme", "bob")));
  EXPECT_NE(TenantKeyOf(PrincipalForTest("acme", "ann")),
            TenantKeyOf(PrincipalForTest("acm", "eann")));
  EXPECT_NE(TenantKeyOf(PrincipalForTest("acme", "")).bytes(), UserKeyForTest("acme", "").bytes());
}

TEST(Principal, HasTheScopesItWasGiven) {
  Principal ann = PrincipalForTest("acme", "ann");
  ann.scopes = {"chat", "act_as"};

  EXPECT_TRUE(ann.HasScope("act_as"));
  EXPECT_FALSE(ann.HasScope("act"));
  EXPECT_FALSE(ann.HasScope(""));
}

}  // namespace
}  // namespace penstock::identity
