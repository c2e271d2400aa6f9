#include "libs/rocksdb/frame.h"

#include <gtest/gtest.h>

#include "google/rpc/status.pb.h"

namespace penstock::rocks {
namespace {

google::rpc::Status Message() {
  google::rpc::Status message;
  message.set_message("hello");
  return message;
}

TEST(Frame, IsReadBack) {
  google::rpc::Status read;

  ASSERT_TRUE(ParseFramed(Frame(2, Message()), {1, 2}, read).ok());

  EXPECT_EQ(read.message(), "hello");
}

TEST(Frame, IsTwoBytes) {
  EXPECT_EQ(Frame(1, Message()).substr(0, 2), std::string("\x00\x01", 2));
  EXPECT_EQ(Frame(1, Message()).size(), 2 + Message().ByteSizeLong());
}

TEST(Frame, OfANewerVersionIsRefused) {
  const absl::Status status = Unframe(Frame(3, Message()), {1, 2}).status();

  EXPECT_EQ(status.message(), "a record has version 3, this version reads 1 to 2");
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
}

TEST(Frame, OfAnUnknownFormatIsRefused) {
  std::string stored = Frame(1, Message());
  stored[0] = 1;

  EXPECT_TRUE(absl::IsFailedPrecondition(Unframe(stored, {}).status()));
}

TEST(Frame, ThatIsDamagedIsDataLoss) {
  google::rpc::Status read;

  EXPECT_TRUE(absl::IsDataLoss(ParseFramed("", {}, read)));
  EXPECT_TRUE(absl::IsDataLoss(ParseFramed(absl::string_view("\0", 1), {}, read)));
  EXPECT_TRUE(absl::IsDataLoss(ParseFramed(absl::string_view("\0\1\xff\xff", 4), {}, read)));
}

}  // namespace
}  // namespace penstock::rocks
