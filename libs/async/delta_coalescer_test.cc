#include "libs/async/delta_coalescer.h"

#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kStart = absl::Seconds(100);

// Pieces as "part/kind:text".
std::vector<std::string> Take(DeltaCoalescer& coalescer, absl::Duration now) {
  std::vector<std::string> taken;
  for (const DeltaPiece& piece : coalescer.TakeDue(now)) {
    taken.push_back(absl::StrCat(piece.part, "/", piece.kind, ":", piece.text));
  }
  return taken;
}

class DeltaCoalescerTest : public testing::Test {
 protected:
  void SetUp() override {
    coalescer_.Add(0, 1, "first");
    ASSERT_THAT(Take(coalescer_, kStart), ElementsAre("0/1:first"));
  }

  DeltaCoalescer coalescer_{
      {.interval = absl::Milliseconds(25), .bytes = 8, .max_piece_bytes = 16}};
};

TEST_F(DeltaCoalescerTest, HoldsLaterTextForTheInterval) {
  coalescer_.Add(0, 1, "a");
  coalescer_.Add(0, 1, "b");

  EXPECT_EQ(coalescer_.NextDue(), kStart + absl::Milliseconds(25));
  EXPECT_THAT(Take(coalescer_, kStart + absl::Milliseconds(24)), IsEmpty());
  EXPECT_THAT(Take(coalescer_, kStart + absl::Milliseconds(25)), ElementsAre("0/1:ab"));
  EXPECT_EQ(coalescer_.NextDue(), absl::InfiniteDuration());
}

TEST_F(DeltaCoalescerTest, TextAfterAPauseIsDueAtOnce) {
  coalescer_.Add(0, 1, "a");

  EXPECT_THAT(Take(coalescer_, kStart + absl::Seconds(1)), ElementsAre("0/1:a"));
}

TEST_F(DeltaCoalescerTest, EnoughBytesAreDueAtOnce) {
  coalescer_.Add(0, 1, "1234567");
  EXPECT_THAT(Take(coalescer_, kStart), IsEmpty());

  coalescer_.Add(0, 1, "8");
  EXPECT_THAT(Take(coalescer_, kStart), ElementsAre("0/1:12345678"));
}

TEST_F(DeltaCoalescerTest, AChangeOfPartOrKindIsDueAtOnce) {
  coalescer_.Add(0, 1, "a");
  coalescer_.Add(1, 1, "b");
  EXPECT_THAT(Take(coalescer_, kStart), ElementsAre("0/1:a", "1/1:b"));

  coalescer_.Add(1, 1, "c");
  coalescer_.Add(1, 2, "d");
  EXPECT_THAT(Take(coalescer_, kStart), ElementsAre("1/1:c", "1/2:d"));
}

TEST_F(DeltaCoalescerTest, WhatIsFlushedIsDueAtOnceAndLaterTextWaitsAgain) {
  coalescer_.Add(0, 1, "a");
  coalescer_.Flush();
  EXPECT_THAT(Take(coalescer_, kStart), ElementsAre("0/1:a"));

  coalescer_.Flush();
  coalescer_.Add(0, 1, "b");
  EXPECT_THAT(Take(coalescer_, kStart), IsEmpty());
}

TEST_F(DeltaCoalescerTest, TheEndIsDueAtOnce) {
  coalescer_.Add(0, 1, "a");
  coalescer_.End();

  EXPECT_THAT(Take(coalescer_, kStart), ElementsAre("0/1:a"));
}

TEST_F(DeltaCoalescerTest, CutsLargePiecesBetweenCharacters) {
  coalescer_.Add(0, 1, "0123456789abcde\xC3\xA9\xF0\x9F\x98\x80");
  coalescer_.Add(0, 1, "0123456789abcdef");

  EXPECT_THAT(Take(coalescer_, kStart), ElementsAre("0/1:0123456789abcde",
                                                    "0/1:\xC3\xA9\xF0\x9F\x98\x80"
                                                    "0123456789",
                                                    "0/1:abcdef"));
}

TEST_F(DeltaCoalescerTest, LosesAndReordersNothing) {
  std::string given;
  std::string got;
  const std::string character = "\xE4\xBD\xA0";

  for (int i = 0; i < 1000; ++i) {
    std::string text;
    for (int n = 0; n < i % 7; ++n) text += character;
    coalescer_.Add(0, 1, text);
    given += text;
    for (const DeltaPiece& piece : coalescer_.TakeDue(kStart + absl::Milliseconds(3 * i))) {
      EXPECT_LE(piece.text.size(), 16u);
      EXPECT_EQ(piece.text.size() % 3, 0u);
      got += piece.text;
    }
  }
  coalescer_.End();
  for (const DeltaPiece& piece : coalescer_.TakeDue(kStart)) got += piece.text;

  EXPECT_EQ(got, given);
}

}  // namespace
}  // namespace penstock
