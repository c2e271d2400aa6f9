#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/obs/metrics.h"
#include "libs/obs/trace.h"

namespace penstock::obs {
namespace {

constexpr char kParent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Trace, KeepsTheCallersTrace) {
  const TraceContext parent = ParseOrStart(kParent);
  const TraceContext child = ChildOf(parent);

  EXPECT_EQ(ToTraceparent(parent), kParent);
  EXPECT_EQ(child.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_NE(child.span_id, parent.span_id);
  EXPECT_TRUE(child.sampled);
}

TEST(Trace, StartsANewOneWhenTheHeaderIsNotWellFormed) {
  for (const char* header : {"", "junk", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                             "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                             "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                             "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"}) {
    const TraceContext started = ParseOrStart(header);

    EXPECT_EQ(ToTraceparent(started).size(), 55u) << header;
    EXPECT_NE(started.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736") << header;
  }
}

TEST(Metrics, SameNameAndLabelsAreOneMetric) {
  Metrics metrics;
  metrics.AddCounter("penstock_test_total", "Help.", {{"class", "PAID"}}).Increment();
  metrics.AddCounter("penstock_test_total", "Help.", {{"class", "PAID"}}).Increment();

  EXPECT_THAT(metrics.Render(), testing::HasSubstr("penstock_test_total{class=\"PAID\"} 2"));
}

}  // namespace
}  // namespace penstock::obs
