// A certificate authority of a test, and what it issues: EC P-256, in PEM.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::rpc {

struct IssuedPair {
  std::string certificate;
  std::string key;

  // Into FOLDER/NAME.crt and FOLDER/NAME.key, each exchanged as a whole, the key first.
  void WriteTo(const std::string& folder, absl::string_view name) const;
};

struct Subject {
  std::vector<std::string> dns_names = {};
  std::vector<std::string> uris = {};
  absl::Time begins = absl::UnixEpoch();
  // 2049, the last that X.509 writes with two digits of the year.
  absl::Time ends = absl::FromUnixSeconds(2'500'000'000);
};

// Ends the process when OpenSSL fails. Thread-safe.
class TestAuthority {
 public:
  explicit TestAuthority(absl::string_view name = "test authority");
  ~TestAuthority();

  // Its own certificate.
  const std::string& certificate() const { return certificate_; }
  // FOLDER/NAME.crt.
  void WriteTo(const std::string& folder, absl::string_view name) const;

  IssuedPair Issue(const Subject& subject) const;

 private:
  struct Keys;

  std::unique_ptr<Keys> keys_;
  std::string certificate_;
};

// Exchanges FOLDER/NAME by a rename.
void ReplaceFile(const std::string& folder, absl::string_view name, absl::string_view text);

}  // namespace penstock::rpc
