// What KEDA is told, over fake peers.
#include "services/dispatcher/scaling/scaler.h"

#include <map>
#include <string>

#include "services/dispatcher/dispatcher_fixture.h"

namespace penstock::dispatcher {
namespace {

using externalscaler::ScaledObjectRef;

// What KEDA hands over besides.
ScaledObjectRef Object(const std::map<std::string, std::string>& metadata) {
  ScaledObjectRef object;
  object.set_name("adapters");
  (*object.mutable_scalermetadata())["scalerAddress"] = "dispatcher:7425";
  (*object.mutable_scalermetadata())["enableTLS"] = "true";
  for (const auto& [key, value] : metadata) (*object.mutable_scalermetadata())[key] = value;
  return object;
}

class ScalerTest : public DispatcherCoreTest {
 protected:
  const Scaler& scaler() const { return core_->scaler(); }
  // A refusal as "field: found, allowed".
  std::string Refused(const std::map<std::string, std::string>& metadata) const {
    const absl::Status status = scaler().IsActive(Object(metadata)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return MetadataOf(status, "field") + ": " + MetadataOf(status, "found") + ", " +
           MetadataOf(status, "allowed");
  }
  double ValueOf(const ScaledObjectRef& object) const {
    const auto spec = scaler().SpecOf(object);
    EXPECT_TRUE(spec.ok()) << spec.status();
    externalscaler::GetMetricsRequest request;
    *request.mutable_scaledobjectref() = object;
    request.set_metricname(spec->metricspecs(0).metricname());
    const auto metrics = scaler().MetricsOf(request);
    EXPECT_TRUE(metrics.ok()) << metrics.status();
    if (!metrics.ok() || metrics->metricvalues_size() != 1) return -1;
    EXPECT_EQ(metrics->metricvalues(0).metricname(), request.metricname());
    EXPECT_EQ(static_cast<double>(metrics->metricvalues(0).metricvalue()),
              metrics->metricvalues(0).metricvaluefloat());
    return metrics->metricvalues(0).metricvaluefloat();
  }

  const ScaledObjectRef adapters_ = Object({{"component", "provider-adapter"}, {"target", "2.5"}});
};

TEST_F(ScalerTest, AnIdleDispatcherIsNotActiveButHasItsMetric) {
  EXPECT_FALSE(*scaler().IsActive(adapters_));
  EXPECT_EQ(ValueOf(adapters_), 0);
}

TEST_F(ScalerTest, WorkThatRunsIsRequired) {
  for (int i = 0; i < 2; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  for (int i = 0; i < 5; ++i) Accepted(Request("x", "s" + std::to_string(i)));

  EXPECT_TRUE(Eventually([&] { return ValueOf(adapters_) == 2; }));
  EXPECT_TRUE(*scaler().IsActive(adapters_));
}

TEST_F(ScalerTest, WorkThatNoAdapterTakesMakesItActive) {
  for (int i = 0; i < 1000; ++i) provider_.Next({.end = absl::UnavailableError("no adapter")});

  Accepted(Request("x"));

  EXPECT_TRUE(Eventually([&] { return ValueOf(adapters_) == 1; }));
}

TEST_F(ScalerTest, ThePoolCanBeChosen) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  Accepted(Request("x"));

  const auto object =
      Object({{"component", "provider-adapter"}, {"pool", "sim/echo"}, {"target", "1"}});

  EXPECT_TRUE(Eventually([&] { return ValueOf(object) == 1; }));
  EXPECT_EQ(scaler().SpecOf(object)->metricspecs(0).metricname(),
            "penstock-required-concurrency-sim-echo");
}

TEST_F(ScalerTest, GatewaysAreScaledByTheStreamsThatTheyHaveOpen) {
  const auto object = Object({{"component", "gateway"}, {"target", "100"}});
  EXPECT_FALSE(*scaler().IsActive(object));

  const OpenStream first = core_->CountStream();
  const OpenStream second = core_->CountStream();

  EXPECT_EQ(ValueOf(object), 2);
  EXPECT_TRUE(*scaler().IsActive(object));
}

TEST_F(ScalerTest, TheTargetIsWhatTheTriggerSays) {
  const auto spec = scaler().SpecOf(adapters_);
  ASSERT_TRUE(spec.ok()) << spec.status();

  ASSERT_EQ(spec->metricspecs_size(), 1);
  EXPECT_EQ(spec->metricspecs(0).targetsizefloat(), 2.5);
  EXPECT_EQ(spec->metricspecs(0).targetsize(), 3);
}

TEST_F(ScalerTest, AWrongTriggerIsToldWhatIsAllowed) {
  EXPECT_EQ(Refused({{"target", "1"}}),
            "scalerMetadata.component: nothing, provider-adapter, gateway");
  EXPECT_EQ(Refused({{"component", "dispatcher"}, {"target", "1"}}),
            "scalerMetadata.component: 'dispatcher', provider-adapter, gateway");
  EXPECT_EQ(Refused({{"component", "gateway"}, {"target", "1"}, {"queue", "a"}}),
            "scalerMetadata.queue: an unknown key, component, pool, target");
  EXPECT_EQ(Refused({{"component", "provider-adapter"}, {"target", "1"}, {"pool", "sim/none"}}),
            "scalerMetadata.pool: 'sim/none', sim/echo");
  EXPECT_EQ(Refused({{"component", "gateway"}, {"target", "1"}, {"pool", "sim/echo"}}),
            "scalerMetadata.pool: 'sim/echo', nothing: gateways serve all pools");
  for (const std::string target : {"", "0", "-3", "many", "nan", "inf"}) {
    EXPECT_EQ(Refused({{"component", "gateway"}, {"target", target}}).find("scalerMetadata.target"),
              0u)
        << target;
  }
}

TEST_F(ScalerTest, AMetricOfAnotherNameIsRefused) {
  externalscaler::GetMetricsRequest request;
  *request.mutable_scaledobjectref() = adapters_;
  request.set_metricname("s0-penstock-required-concurrency");

  const absl::Status status = scaler().MetricsOf(request).status();

  EXPECT_EQ(MetadataOf(status, "field"), "metricName");
  EXPECT_EQ(MetadataOf(status, "allowed"), "penstock-required-concurrency");
}

}  // namespace
}  // namespace penstock::dispatcher
