#include "services/dispatcher/turn/event_index.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

TEST(EventIndex, UnpacksWhatItPacked) {
  for (const EventIndex index :
       {EventIndex{1, 1, 0}, EventIndex{1, 1, 1}, EventIndex{kMaxEpoch, 255, kMaxSequence},
        EventIndex{77, 3, 12345}}) {
    EXPECT_EQ(UnpackEventIndex(PackEventIndex(index)), index);
    EXPECT_GT(PackEventIndex(index), kAcceptedIndex);
  }
}

TEST(EventIndex, RisesWithEpochThenRunThenSequence) {
  EXPECT_LT(PackEventIndex({1, 1, kMaxSequence}), PackEventIndex({1, 2, 0}));
  EXPECT_LT(PackEventIndex({1, 255, kMaxSequence}), PackEventIndex({2, 1, 0}));
  EXPECT_GT(PackEventIndex({kMaxEpoch, 255, kMaxSequence}), 0);
}

TEST(EventIndex, TellsRunsApart) {
  EXPECT_TRUE(SameRun(PackEventIndex({5, 2, 0}), PackEventIndex({5, 2, 99})));
  EXPECT_FALSE(SameRun(PackEventIndex({5, 2, 0}), PackEventIndex({5, 3, 0})));
  EXPECT_FALSE(SameRun(PackEventIndex({5, 2, 0}), PackEventIndex({6, 2, 0})));
}

}  // namespace
}  // namespace penstock::dispatcher
