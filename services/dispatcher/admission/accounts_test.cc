#include "services/dispatcher/admission/accounts.h"

#include <memory>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "services/dispatcher/queue/fake_journal.h"

namespace penstock::dispatcher {
namespace {

constexpr chat::v1::TurnClass kClass = chat::v1::CLASS_FREE;
// A day's noon.
const absl::Time kNoon = absl::UnixEpoch() + absl::Hours(24 * 20'000 + 12);
const Amount kExpected{.tokens = 100, .nano_usd = 1'000'000};

class AccountsTest : public testing::Test {
 protected:
  AccountsTest() { tier_.set_name("free"); }

  // Of both; nothing in it suspends.
  void Load(Accounts& accounts) {
    absl::Status loaded = absl::UnknownError("suspended");
    Spawn(InlineExecutor(io_),
          [](Accounts& into, Journal& journal, Payer payer, absl::Status& done) -> Awaitable<void> {
            done = co_await into.Load(journal, std::move(payer));
          }(accounts, journal_, payer_, loaded));
    io_.restart();
    io_.run();
    ASSERT_TRUE(loaded.ok()) << loaded;
  }
  // What the journal keeps.
  void Store(const CounterValues& values) {
    Spawn(InlineExecutor(io_),
          [](Journal& journal, identity::UserKey user, CounterValues stored) -> Awaitable<void> {
            const absl::Status written =
                co_await journal.AppendSubmitted(user, {}, {.counters = [&] { return stored; }});
            EXPECT_TRUE(written.ok()) << written;
          }(journal_, payer_.user, values));
    io_.restart();
    io_.run();
  }

  absl::StatusOr<Accounts::Claim> Take(absl::Time now) {
    return accounts_->Take(payer_, {.tier = tier_, .tenant = &tenant_}, kClass, kExpected, now);
  }
  // A turn that is accepted at once.
  absl::Status Accept(absl::Time now) {
    auto claim = Take(now);
    if (!claim.ok()) return claim.status();
    if (claim->counts()) Store(claim->Book(now));
    claim->Keep();
    return absl::OkStatus();
  }
  void Settle(Amount took, absl::Time ended) {
    Store(accounts_->Settle(payer_, kExpected, took, ended));
  }
  // As after a crash: what is known is what was stored.
  void Restart() {
    accounts_ = std::make_unique<Accounts>(6);
    Load(*accounts_);
  }

  void DropAllOld(absl::Time now) {
    for (size_t part = 0; part < Accounts::kParts; ++part) accounts_->DropOld(now);
  }

  boost::asio::io_context io_;
  FakeJournal journal_;
  const Payer payer_{identity::UserKeyForTest("acme", "ann"), "acme"};
  config::v1::Tier tier_;
  config::v1::Tenant tenant_;
  std::unique_ptr<Accounts> accounts_ = std::make_unique<Accounts>(6);
};

TEST_F(AccountsTest, TakesAsManyTurnsOfAnHourAsTheTierHasAndSaysWhenTheNextOneFits) {
  tier_.set_turns_per_hour(3);
  Restart();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Accept(kNoon + absl::Minutes(i)).ok());

  const absl::Time now = kNoon + absl::Minutes(10);
  const absl::Status refused = Accept(now);

  EXPECT_EQ(ReasonOf(refused), "USER_RATE");
  EXPECT_EQ(MetadataOf(refused, "limit"), "3");
  const absl::Duration retry = RetryAfterOf(refused).value();
  EXPECT_EQ(retry, absl::Minutes(51));
  EXPECT_FALSE(Accept(now + retry - absl::Milliseconds(1)).ok());
  EXPECT_TRUE(Accept(now + retry).ok());
}

TEST_F(AccountsTest, ATurnThatIsNotAcceptedCountsNothing) {
  tier_.set_turns_per_hour(1);
  Restart();

  {
    const auto held = Take(kNoon);
  }
  {
    auto booked = Take(kNoon);
    ASSERT_TRUE(booked.ok()) << booked.status();
    EXPECT_EQ(booked->Book(kNoon).user->minutes_size(), 1);
    EXPECT_FALSE(Take(kNoon).ok());
  }

  EXPECT_TRUE(Accept(kNoon).ok());
}

TEST_F(AccountsTest, TurnsOnTheirWayInHoldTheirPlaces) {
  tier_.set_turns_per_hour(2);
  Restart();

  const auto first = Take(kNoon);
  const auto second = Take(kNoon);

  EXPECT_TRUE(second.ok());
  EXPECT_EQ(ReasonOf(Take(kNoon).status()), "USER_RATE");
}

TEST_F(AccountsTest, CountersSurviveACrash) {
  tier_.set_turns_per_hour(2);
  tier_.set_tokens_per_day(1000);
  Restart();
  ASSERT_TRUE(Accept(kNoon).ok());
  ASSERT_TRUE(Accept(kNoon).ok());

  Restart();
  EXPECT_EQ(ReasonOf(Accept(kNoon)), "USER_RATE");
  accounts_->Reserve(payer_, kExpected);
  Settle({.tokens = 1000}, kNoon);

  Restart();
  EXPECT_EQ(ReasonOf(Accept(kNoon + absl::Hours(2))), "USER_BUDGET");
}

TEST_F(AccountsTest, AnHourHasSixTurnsOfClassFirst) {
  Restart();
  for (int i = 0; i < 6; ++i) {
    auto claim = Take(kNoon);
    EXPECT_FALSE(claim->counts());
    EXPECT_TRUE(claim->TakeFirst(kNoon));
    EXPECT_TRUE(claim->counts());
    Store(claim->Book(kNoon));
    claim->Keep();
  }

  EXPECT_FALSE(Take(kNoon)->TakeFirst(kNoon + absl::Minutes(59)));
  Restart();
  EXPECT_FALSE(Take(kNoon)->TakeFirst(kNoon + absl::Minutes(59)));
  EXPECT_TRUE(Take(kNoon)->TakeFirst(kNoon + absl::Minutes(60)));
}

TEST_F(AccountsTest, ABudgetAdmitsTurnsUntilItIsUsedUp) {
  tier_.set_tokens_per_day(250);
  Restart();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Accept(kNoon).ok()) << i;

  const absl::Status reserved = Accept(kNoon);
  EXPECT_EQ(ReasonOf(reserved), "USER_BUDGET");
  EXPECT_EQ(RetryAfterOf(reserved), absl::Seconds(10));

  Settle({.tokens = 40}, kNoon);
  EXPECT_TRUE(Accept(kNoon).ok());
  for (int i = 0; i < 3; ++i) Settle({.tokens = 70}, kNoon);
  const absl::Status spent = Accept(kNoon);
  EXPECT_EQ(ReasonOf(spent), "USER_BUDGET");
  EXPECT_EQ(MetadataOf(spent, "limit"), "250 tokens");
  EXPECT_EQ(RetryAfterOf(spent), absl::Hours(12));
}

TEST_F(AccountsTest, TheNextDayBeginsWithAWholeBudget) {
  tier_.set_usd_per_day(0.002);
  Restart();
  ASSERT_TRUE(Accept(kNoon).ok());
  Settle({.tokens = 1, .nano_usd = 5'000'000}, kNoon);
  const absl::Time midnight = kNoon + absl::Hours(12);

  EXPECT_EQ(MetadataOf(Accept(midnight - absl::Seconds(1)), "limit"), "0.002 USD");
  EXPECT_TRUE(Accept(midnight).ok());
}

TEST_F(AccountsTest, ATurnIsBookedOnTheDayOnWhichItEnded) {
  tier_.set_tokens_per_day(250);
  Restart();
  ASSERT_TRUE(Accept(kNoon).ok());
  ASSERT_TRUE(Accept(kNoon).ok());
  const absl::Time tomorrow = kNoon + absl::Hours(24);

  Settle({.tokens = 1000}, tomorrow);
  EXPECT_EQ(ReasonOf(Accept(tomorrow)), "USER_BUDGET");
  // That of the day before comes late, and changes nothing of today.
  Settle({.tokens = 1000}, kNoon);
  Restart();
  EXPECT_EQ(ReasonOf(Accept(tomorrow)), "USER_BUDGET");
  EXPECT_TRUE(Accept(tomorrow + absl::Hours(24)).ok());
}

TEST_F(AccountsTest, ATenantsBudgetIsThatOfAllItsUsers) {
  tenant_.set_tokens_per_day(1000);
  Restart();
  const Payer bob{identity::UserKeyForTest("acme", "bob"), "acme"};
  const Allowance allowance{.tier = tier_, .tenant = &tenant_};
  auto claim = accounts_->Take(bob, allowance, kClass, kExpected, kNoon);
  ASSERT_TRUE(claim.ok());
  claim->Keep();
  Store(accounts_->Settle(bob, kExpected, {.tokens = 1000}, kNoon));

  const absl::Status refused = Accept(kNoon);

  EXPECT_EQ(ReasonOf(refused), "TENANT_BUDGET");
  EXPECT_THAT(refused.message(), testing::HasSubstr("tenant acme: 1000 tokens spent today"));
  Restart();
  EXPECT_EQ(ReasonOf(Accept(kNoon)), "TENANT_BUDGET");
}

TEST_F(AccountsTest, ASettlementThatWasNotJournaledIsAsIfItHadNotBeen) {
  tier_.set_tokens_per_day(250);
  Restart();
  ASSERT_TRUE(Accept(kNoon).ok());
  accounts_->Settle(payer_, kExpected, {.tokens = 300}, kNoon);

  accounts_->Unsettle(payer_, kExpected, {.tokens = 300}, kNoon);

  EXPECT_TRUE(Accept(kNoon).ok());
  const CounterValues values = accounts_->Settle(payer_, kExpected, {.tokens = 30}, kNoon);
  EXPECT_EQ(values.user->spent().amount().tokens(), 30);
  EXPECT_EQ(values.tenant->spent().amount().tokens(), 30);
}

TEST_F(AccountsTest, WhatIsForgottenCountedNoMore) {
  tier_.set_turns_per_hour(1);
  tier_.set_tokens_per_day(1000);
  Restart();
  ASSERT_TRUE(Accept(kNoon).ok());
  DropAllOld(kNoon + absl::Minutes(59));
  EXPECT_FALSE(Accept(kNoon + absl::Minutes(59)).ok());
  Settle({.tokens = 1000}, kNoon);

  DropAllOld(kNoon + absl::Hours(11));
  EXPECT_EQ(ReasonOf(Accept(kNoon + absl::Hours(11))), "USER_BUDGET");
  DropAllOld(kNoon + absl::Hours(12));
  EXPECT_TRUE(Accept(kNoon + absl::Hours(12)).ok());
}

}  // namespace
}  // namespace penstock::dispatcher
