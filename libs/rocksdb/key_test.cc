#include "libs/rocksdb/key.h"

#include <gtest/gtest.h>

namespace penstock::rocks {
namespace {

TEST(Key, NumbersSortAsBytes) {
  EXPECT_LT(KeyBuilder().U64(255).Take(), KeyBuilder().U64(256).Take());
  EXPECT_LT(KeyBuilder().U16(1).U32(9).Take(), KeyBuilder().U16(2).U32(0).Take());
}

TEST(Key, DescendingNumbersSortFromHighToLow) {
  EXPECT_GT(KeyBuilder().Descending(255).Take(), KeyBuilder().Descending(256).Take());
}

TEST(Key, IsReadBackAsItWasBuilt) {
  const std::string key =
      KeyBuilder().U8(7).U16(300).U32(70000).U64(1).Bytes("abc").Descending(42).Bytes("end").Take();
  KeyReader reader(key);
  uint8_t a = 0;
  uint16_t b = 0;
  uint32_t c = 0;
  uint64_t d = 0;
  uint64_t e = 0;
  absl::string_view bytes;

  ASSERT_TRUE(reader.U8(a) && reader.U16(b) && reader.U32(c) && reader.U64(d) &&
              reader.Bytes(3, bytes) && reader.Descending(e));

  EXPECT_EQ(a, 7);
  EXPECT_EQ(b, 300);
  EXPECT_EQ(c, 70000u);
  EXPECT_EQ(d, 1u);
  EXPECT_EQ(bytes, "abc");
  EXPECT_EQ(e, 42u);
  EXPECT_EQ(reader.rest(), "end");
}

TEST(Key, ReaderRefusesAKeyThatIsTooShort) {
  KeyReader reader("abc");
  uint64_t number = 5;
  absl::string_view bytes;

  EXPECT_FALSE(reader.U64(number));
  EXPECT_FALSE(reader.Descending(number));
  EXPECT_FALSE(reader.Bytes(4, bytes));
  EXPECT_EQ(number, 5u);
  EXPECT_EQ(reader.rest(), "abc");
}

TEST(Key, SuccessorOfAPrefixFollowsAllItsKeysAndNothingElse) {
  EXPECT_EQ(PrefixSuccessor("ab"), "ac");
  EXPECT_EQ(PrefixSuccessor(std::string("a\xff\xff")), "b");
  EXPECT_GT(PrefixSuccessor(std::string("\xff\xff")), std::string(16, '\xff'));
  EXPECT_GT(PrefixSuccessor(""), "\xff\xff");
}

}  // namespace
}  // namespace penstock::rocks
