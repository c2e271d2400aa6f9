// No RPC between services answers without a grant that is whole, fresh and for this very service.

#include <map>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/grant.h"
#include "libs/identity/testing.h"
#include "tests/mesh/call_by_name.h"
#include "tests/mesh/contracts.h"
#include "tests/mesh/in_process_mesh.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::mesh {
namespace {

using google::protobuf::MethodDescriptor;
using Metadata = std::multimap<std::string, std::string>;

constexpr char kGrant[] = "penstock-grant-bin";

// A service that is not here fails the test until it is.
const std::map<std::string, std::string> kAudiences = {
    {"penstock.dispatcher.v1.Dispatcher", "dispatcher"},
    {"penstock.dispatcher.v1.Operations", "dispatcher"},
    {"penstock.session.v1.SessionState", "session-state"},
    {"penstock.memory.v1.MemoryRecall", "memory-recall"},
    {"penstock.provider.v1.ProviderAdapter", "provider-adapter"}};

bool IsPublic(const google::protobuf::ServiceDescriptor& service) {
  return service.file()->package() == "penstock.gateway.v1";
}

class GrantsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto mesh = InProcessMesh::Start({});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = mesh->release();
  }
  static void TearDownTestSuite() {
    delete mesh_;
    mesh_ = nullptr;
  }

  static std::string Mint(const std::string& audience, absl::Time now = absl::Now(),
                          const std::string& other_root = "") {
    const std::string root =
        other_root.empty() ? *identity::GrantRootOf(mesh_->config().identity()) : other_root;
    return identity::GrantMinter(root).Mint(audience, identity::PrincipalForTest("dev", "u"), "",
                                            now);
  }

  static std::string Token() { return mesh_->tokens().For({.user = "u"}); }

  static grpc::Status Call(const MethodDescriptor& method, const Metadata& metadata) {
    return CallByName(mesh_->ChannelTo(method.service()->full_name()), method, "", metadata).status;
  }

  static void ExpectRefused(const MethodDescriptor& method, const Metadata& metadata,
                            const std::string& what) {
    const grpc::Status status = Call(method, metadata);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED)
        << method.full_name() << " with " << what << ": " << status.error_message();
  }

  // Calls `check(method, audience)` for every RPC between services.
  template <typename Check>
  static void ForEveryRpc(const Check& check) {
    int rpcs = 0;
    for (const auto* service : AllServices()) {
      if (IsPublic(*service)) continue;
      const auto audience = kAudiences.find(service->full_name());
      ASSERT_NE(audience, kAudiences.end()) << service->full_name() << " is not covered";
      for (int i = 0; i < service->method_count(); ++i, ++rpcs) {
        check(*service->method(i), audience->second);
      }
    }
    EXPECT_GE(rpcs, 27);
  }

  static InProcessMesh* mesh_;
};

InProcessMesh* GrantsTest::mesh_ = nullptr;

TEST_F(GrantsTest, AGoodGrantOpensEveryRpc) {
  ForEveryRpc([](const MethodDescriptor& method, const std::string& audience) {
    const grpc::Status status = Call(method, {{kGrant, Mint(audience)}});
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED)
        << method.full_name() << ": " << status.error_message();
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << method.full_name();
  });
}

TEST_F(GrantsTest, AnyFlippedBitIsRefusedOnEveryRpc) {
  ForEveryRpc([](const MethodDescriptor& method, const std::string& audience) {
    const std::string good = Mint(audience);
    // A few bits of every part: names, times, the MAC. Every bit: libs/identity/grant_test.cc.
    for (size_t bit = 3; bit < good.size() * 8; bit += 61) {
      std::string flipped = good;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      ExpectRefused(method, {{kGrant, flipped}}, absl::StrCat("bit ", bit, " flipped"));
    }
  });
}

TEST_F(GrantsTest, AnExpiredGrantIsRefusedOnEveryRpc) {
  ForEveryRpc([](const MethodDescriptor& method, const std::string& audience) {
    const std::string old = Mint(audience, absl::Now() - absl::Minutes(10));
    ExpectRefused(method, {{kGrant, old}}, "an expired grant");
  });
}

TEST_F(GrantsTest, AGrantForAnotherServiceIsRefusedOnEveryRpc) {
  ForEveryRpc([](const MethodDescriptor& method, const std::string& audience) {
    for (const auto& [service, other] : kAudiences) {
      if (other == audience) continue;
      ExpectRefused(method, {{kGrant, Mint(other)}}, "a grant for " + other);
    }
  });
}

TEST_F(GrantsTest, AGrantOfAnotherRootIsRefusedOnEveryRpc) {
  ForEveryRpc([](const MethodDescriptor& method, const std::string& audience) {
    const std::string forged = Mint(audience, absl::Now(), std::string(32, 'x'));
    ExpectRefused(method, {{kGrant, forged}}, "a grant of another root");
  });
}

TEST_F(GrantsTest, ATokenIsNoGrantOnAnyRpc) {
  ForEveryRpc([](const MethodDescriptor& method, const std::string&) {
    const std::string bearer = "Bearer " + Token();
    ExpectRefused(method, {}, "nothing");
    ExpectRefused(method, {{"authorization", bearer}}, "a token");
    ExpectRefused(method, {{kGrant, Token()}}, "a token as grant");
    ExpectRefused(method, {{kGrant, ""}}, "an empty grant");
  });
}

TEST_F(GrantsTest, TwoGrantsAreRefusedOnEveryRpc) {
  ForEveryRpc([](const MethodDescriptor& method, const std::string& audience) {
    ExpectRefused(method, {{kGrant, Mint(audience)}, {kGrant, Mint(audience)}}, "two grants");
  });
}

TEST_F(GrantsTest, AGrantIsNoTokenOnAnyPublicRpc) {
  const auto channel = mesh_->ConnectToGateway();
  for (const auto* service : AllServices()) {
    if (!IsPublic(*service)) continue;
    for (int i = 0; i < service->method_count(); ++i) {
      for (const auto& [name, audience] : kAudiences) {
        const grpc::Status status =
            CallByName(channel, *service->method(i), "", {{kGrant, Mint(audience)}}).status;
        EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED)
            << service->method(i)->full_name() << ": " << status.error_message();
      }
    }
  }
}

}  // namespace
}  // namespace penstock::mesh
