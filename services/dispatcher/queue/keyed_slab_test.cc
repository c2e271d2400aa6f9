#include "services/dispatcher/queue/keyed_slab.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

struct Thing {
  uint64_t key = 0;
  std::string text;
};
struct KeyOfThing {
  uint64_t operator()(const Thing& thing) const { return thing.key; }
};
using Things = KeyedSlab<Thing, KeyOfThing>;

Thing* Make(Things& things, uint64_t key) {
  return things.FindOrMake(key, [&](Thing& thing) { thing.key = key; }).first;
}

TEST(KeyedSlab, FindsWhatItMade) {
  Things things;
  Thing* made = Make(things, 7);
  made->text = "seven";

  const auto [found, fresh] = things.FindOrMake(7, [](Thing&) { FAIL(); });

  EXPECT_EQ(found, made);
  EXPECT_FALSE(fresh);
  EXPECT_EQ(things.Find(7), made);
  EXPECT_EQ(things.Find(8), nullptr);
  EXPECT_EQ(things.size(), 1);
}

TEST(KeyedSlab, WhatItHoldsDoesNotMove) {
  Things things;
  std::map<uint64_t, Thing*> made;
  for (uint64_t key = 0; key < 5'000; ++key) made[key] = Make(things, key);

  for (uint64_t key = 0; key < 5'000; key += 2) things.Erase(*made[key]);
  for (uint64_t key = 1; key < 5'000; key += 2) EXPECT_EQ(things.Find(key), made[key]);

  EXPECT_EQ(things.size(), 2'500);
  EXPECT_EQ(things.Find(0), nullptr);
}

TEST(KeyedSlab, UsesAFreePlaceAgainAsNew) {
  Things things;
  Thing* first = Make(things, 1);
  first->text = "old";
  things.Erase(*first);

  Thing* second = Make(things, 2);

  EXPECT_EQ(second, first);
  EXPECT_EQ(second->text, "");
}

}  // namespace
}  // namespace penstock::dispatcher
