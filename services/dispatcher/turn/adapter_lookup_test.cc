#include "services/dispatcher/turn/adapter_lookup.h"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"

namespace penstock::dispatcher {
namespace {

using Addresses = std::vector<std::string>;

// What the endpoint stands for.
absl::StatusOr<Addresses> Look(absl::string_view endpoint) {
  boost::asio::io_context io;
  auto lookup = LookupOf(endpoint, io);
  if (!lookup.ok()) return lookup.status();
  std::optional<absl::StatusOr<Addresses>> found;
  Spawn(InlineExecutor(io), [](const AdapterLookup& look, auto& out) -> Awaitable<void> {
    out.emplace(co_await look());
  }(*lookup, found));
  io.run();
  return *found;
}

TEST(AdapterLookup, AnAddressStandsForItself) {
  EXPECT_EQ(*Look("127.0.0.1:7424"), Addresses{"127.0.0.1:7424"});
  EXPECT_EQ(*Look("[::1]:7424"), Addresses{"[::1]:7424"});
  EXPECT_EQ(*Look("unix:/run/adapter"), Addresses{"unix:/run/adapter"});
}

TEST(AdapterLookup, ANameStandsForItsAddresses) {
  const auto found = Look("localhost:7424");
  ASSERT_TRUE(found.ok()) << found.status();

  EXPECT_NE(std::find(found->begin(), found->end(), "127.0.0.1:7424"), found->end());
}

TEST(AdapterLookup, RefusesWhatIsNoEndpoint) {
  EXPECT_EQ(Look("adapter").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace penstock::dispatcher
