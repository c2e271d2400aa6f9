// The signature algorithms we accept (RFC 7518, section 3.1).
#pragma once

#include <optional>

#include "absl/strings/string_view.h"

namespace penstock::identity {

enum class JwtAlgorithm { kHs256, kRs256, kEs256 };

// "HS256", "RS256" or "ES256".
constexpr absl::string_view NameOf(JwtAlgorithm algorithm) {
  switch (algorithm) {
    case JwtAlgorithm::kHs256:
      return "HS256";
    case JwtAlgorithm::kRs256:
      return "RS256";
    case JwtAlgorithm::kEs256:
      return "ES256";
  }
  return "";
}

// By its exact name, else nullopt.
constexpr std::optional<JwtAlgorithm> JwtAlgorithmOf(absl::string_view name) {
  for (const auto algorithm : {JwtAlgorithm::kHs256, JwtAlgorithm::kRs256, JwtAlgorithm::kEs256}) {
    if (NameOf(algorithm) == name) return algorithm;
  }
  return std::nullopt;
}

}  // namespace penstock::identity
