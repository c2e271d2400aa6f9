// KEDA's calls, over a socket: what it sends was seen of version 2.21.0.
#include "services/dispatcher/scaler_listener.h"

#include <chrono>
#include <string>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "libs/rpc/channel.h"
#include "libs/rpc/test_authority.h"
#include "libs/rpc/tls_credentials.h"
#include "libs/rpc/transport.h"
#include "services/dispatcher/dispatcher_fixture.h"

#include "externalscaler/externalscaler.grpc.pb.h"

namespace penstock::dispatcher {
namespace {

using externalscaler::ExternalScaler;
using externalscaler::GetMetricSpecResponse;
using externalscaler::GetMetricsRequest;
using externalscaler::GetMetricsResponse;
using externalscaler::IsActiveResponse;
using externalscaler::ScaledObjectRef;

class ScalerListenerTest : public DispatcherCoreTest {
 protected:
  ScalerListenerTest() { config_.mutable_endpoints()->set_scaler("127.0.0.1:0"); }
  ~ScalerListenerTest() override { listener_.reset(); }

  void Listen() {
    auto transport = rpc::Transport::Create(rpc::ServiceId::kDispatcher, "127.0.0.1:0", config_,
                                            clock_, metrics_);
    ASSERT_TRUE(transport.ok()) << transport.status();
    transport_ = *std::move(transport);
    auto listener = ScalerListener::Start(environment_, core_->scaler(), *transport_);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  std::unique_ptr<ExternalScaler::Stub> Connect() {
    return ExternalScaler::NewStub(rpc::OpenChannel(listener_->endpoint()));
  }
  static void Patient(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }
  static ScaledObjectRef Adapters() {
    ScaledObjectRef object;
    object.set_name("provider-adapter");
    object.set_namespace_("penstock");
    auto& metadata = *object.mutable_scalermetadata();
    metadata = {{"scalerAddress", "penstock-dispatcher:7425"},
                {"component", "provider-adapter"},
                {"target", "24"}};
    return object;
  }

  std::unique_ptr<rpc::Transport> transport_;
  std::unique_ptr<ScalerListener> listener_;
};

TEST_F(ScalerListenerTest, AnswersEachReadOfAnHpa) {
  Listen();
  const auto stub = Connect();
  GetMetricSpecResponse spec;
  GetMetricsRequest request;
  GetMetricsResponse metrics;
  IsActiveResponse active;
  grpc::ClientContext first, second, third;
  for (auto* context : {&first, &second, &third}) Patient(*context);

  ASSERT_TRUE(stub->GetMetricSpec(&first, Adapters(), &spec).ok());
  *request.mutable_scaledobjectref() = Adapters();
  request.set_metricname(spec.metricspecs(0).metricname());
  ASSERT_TRUE(stub->GetMetrics(&second, request, &metrics).ok());
  ASSERT_TRUE(stub->IsActive(&third, Adapters(), &active).ok());

  EXPECT_EQ(spec.metricspecs(0).targetsizefloat(), 24);
  EXPECT_EQ(metrics.metricvalues(0).metricvaluefloat(), 0);
  EXPECT_FALSE(active.result());
}

TEST_F(ScalerListenerTest, PushesWhenThereIsWorkAndWhenThereIsNoneAnyMore) {
  Listen();
  const auto stub = Connect();
  grpc::ClientContext context;
  Patient(context);
  const auto stream = stub->StreamIsActive(&context, Adapters());
  IsActiveResponse told;
  ASSERT_TRUE(stream->Read(&told));
  EXPECT_FALSE(told.result());

  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string turn = Accepted(Request("x"));
  const absl::Time accepted = absl::Now();
  ASSERT_TRUE(stream->Read(&told));
  EXPECT_TRUE(told.result());
  EXPECT_LT(absl::Now() - accepted, absl::Seconds(5));

  v1::CancelTurnRequest cancel;
  cancel.set_name(turn);
  EXPECT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());
  ASSERT_TRUE(stream->Read(&told));
  EXPECT_FALSE(told.result());
}

TEST_F(ScalerListenerTest, StreamsTheSpecOnceAndStaysOpenUntilItStops) {
  Listen();
  const auto stub = Connect();
  grpc::ClientContext context;
  Patient(context);
  const auto stream = stub->StreamMetricSpec(&context, Adapters());
  GetMetricSpecResponse spec;
  ASSERT_TRUE(stream->Read(&spec));
  EXPECT_EQ(spec.metricspecs(0).metricname(), "penstock-required-concurrency");

  listener_.reset();

  EXPECT_FALSE(stream->Read(&spec));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ScalerListenerTest, AWrongTriggerEndsTheStreamWithWhatIsAllowed) {
  Listen();
  const auto stub = Connect();
  grpc::ClientContext context;
  Patient(context);
  ScaledObjectRef object = Adapters();
  (*object.mutable_scalermetadata())["component"] = "queue";
  const auto stream = stub->StreamIsActive(&context, object);
  IsActiveResponse told;

  EXPECT_FALSE(stream->Read(&told));

  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(),
            "scalerMetadata.component: found 'queue', allowed provider-adapter, gateway");
}

TEST_F(ScalerListenerTest, IsNotReachableFromOutsideWithoutTls) {
  config_.mutable_endpoints()->set_scaler("0.0.0.0:0");
  auto transport =
      rpc::Transport::Create(rpc::ServiceId::kDispatcher, "", config_, clock_, metrics_);
  ASSERT_TRUE(transport.ok());

  const auto listener = ScalerListener::Start(environment_, core_->scaler(), **transport);

  EXPECT_EQ(listener.status().code(), absl::StatusCode::kFailedPrecondition) << listener.status();
}

TEST_F(ScalerListenerTest, WithTlsItAnswersTheCertificatesThatMayAsk) {
  std::string pattern = testing::TempDir() + "/scaler-XXXXXX";
  const std::string folder = mkdtemp(pattern.data());
  const rpc::TestAuthority authority;
  authority.Issue({.dns_names = {"penstock-dispatcher"}}).WriteTo(folder, "own");
  authority.WriteTo(folder, "ca");
  config::v1::Tls& tls = *config_.mutable_tls();
  tls.set_cert_file(folder + "/own.crt");
  tls.set_key_file(folder + "/own.key");
  tls.set_ca_file(folder + "/ca.crt");
  *tls.mutable_reload_interval() = ToProto(absl::Seconds(10));
  tls.add_scaler_callers("keda-operator");
  Listen();
  const auto call = [&](const std::string& name) {
    rpc::Certificates certificates;
    const rpc::IssuedPair pair = authority.Issue({.dns_names = {name}});
    certificates.chain = pair.certificate;
    certificates.key = pair.key;
    certificates.authorities = authority.certificate();
    const auto stub = ExternalScaler::NewStub(
        rpc::OpenChannel(listener_->endpoint(),
                         rpc::ClientTls(rpc::ProviderOf(certificates), "penstock-dispatcher")));
    grpc::ClientContext context;
    Patient(context);
    IsActiveResponse active;
    return stub->IsActive(&context, Adapters(), &active).error_code();
  };

  EXPECT_EQ(call("keda-operator"), grpc::StatusCode::OK);
  EXPECT_EQ(call("gateway"), grpc::StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace penstock::dispatcher
