// Named attacks, each against the verifier: refused with its reason, for the price of at most one
// signature.
#include "libs/identity/token_attacks.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/base64url.h"
#include "libs/identity/jwt_key.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

using ::testing::HasSubstr;

const std::vector<TokenAttack>& Attacks() {
  static const auto& attacks = *new std::vector<TokenAttack>(TokenAttacks(SharedTokenLab()));
  return attacks;
}

double CpuMicros() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

absl::Status Try(const TokenAttack& attack) {
  return SharedTokenLab()
      .verifier()
      .Verify(attack.authorization, attack.on_behalf_of, TokenLab::Now())
      .status();
}

// CPU time of the cheapest of a few tries: what it costs, not what disturbed it.
double CostMicros(const TokenAttack& attack) {
  double least = 1e9;
  for (int i = 0; i < 5; ++i) {
    const double before = CpuMicros();
    (void)Try(attack);
    least = std::min(least, CpuMicros() - before);
  }
  return least;
}

TEST(TokenAttacks, AreManyAndEachHasItsName) {
  std::set<std::string> names;
  for (const TokenAttack& attack : Attacks()) {
    EXPECT_TRUE(names.insert(attack.name).second) << attack.name << " is there twice";
  }

  EXPECT_GE(names.size(), 90u);
}

TEST(TokenAttacks, AreRefusedWithTheirReason) {
  for (const TokenAttack& attack : Attacks()) {
    const absl::Status refused = Try(attack);

    ASSERT_FALSE(refused.ok()) << "ACCEPTED: " << attack.name;
    EXPECT_EQ(refused.code(), attack.code) << attack.name;
    EXPECT_EQ(ReasonOf(refused), attack.reason) << attack.name << ": " << refused.message();
  }
}

TEST(TokenAttacks, CostAtMostOneSignature) {
  std::printf("%10s  %-20s  %s\n", "µs CPU", "reason", "attack");
  double most = 0;
  for (const TokenAttack& attack : Attacks()) {
    const int64_t before = SignatureChecksOfThisThread();
    (void)Try(attack);
    EXPECT_LE(SignatureChecksOfThisThread() - before, 1) << attack.name;

    const double micros = CostMicros(attack);
    most = std::max(most, micros);
    std::printf("%10.1f  %-20s  %s\n", micros, attack.reason.c_str(), attack.name.c_str());
  }
  std::printf("%10.1f  the most of %zu attacks\n", most, Attacks().size());
}

TEST(TokenAttacks, PutNothingOfTheirsIntoAMessageAsItIs) {
  for (const TokenAttack& attack : Attacks()) {
    const absl::Status refused = Try(attack);
    const std::string message(refused.message());

    EXPECT_TRUE(
        std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        << attack.name << ": " << absl::CEscape(message);
    EXPECT_LE(message.size(), 700u) << attack.name;
  }
}

// (r, n - s) is a signature of the same content under the same key, and RFC 7518 does not forbid
// it. It says nothing new: nobody here tells tokens apart by their bytes.
TEST(TokenAttacks, TheOtherSignatureOfTheSameTokenSaysTheSame) {
  const std::string token =
      SharedTokenLab().SignerOf(JwtAlgorithm::kEs256).SignPayload(TokenLab::Payload());
  const size_t dot = token.rfind('.');
  std::string raw = *DecodeBase64Url(token.substr(dot + 1));
  const std::string n =
      absl::HexStringToBytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  int borrow = 0;
  for (size_t i = 32; i-- > 0;) {
    const int digit = static_cast<uint8_t>(n[i]) - static_cast<uint8_t>(raw[32 + i]) - borrow;
    borrow = digit < 0 ? 1 : 0;
    raw[32 + i] = static_cast<char>(digit + 256 * borrow);
  }
  const std::string other = absl::StrCat(token.substr(0, dot + 1), EncodeBase64Url(raw));

  ASSERT_NE(other, token);
  const auto principal = SharedTokenLab().verifier().Verify("Bearer " + other, "", TokenLab::Now());
  ASSERT_TRUE(principal.ok()) << principal.status();
  EXPECT_EQ(principal->user, "ann");
}

}  // namespace
}  // namespace penstock::identity
