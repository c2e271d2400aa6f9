// The two spellings of an ECDSA signature over P-256: JWS has r and s of 32 bytes each (RFC 7518,
// section 3.4), OpenSSL a DER sequence of two integers.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace penstock::identity {

// nullopt unless `raw` is 64 bytes with neither r nor s zero.
std::optional<std::string> EcdsaRawToDer(absl::string_view raw);

// `der` as OpenSSL makes it.
std::string EcdsaDerToRaw(absl::string_view der);

}  // namespace penstock::identity
