#include "tests/harness/certificates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "libs/rpc/channel.h"
#include "libs/rpc/tls_credentials.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::harness {
namespace {

constexpr absl::string_view kNames[] = {"gateway",       "dispatcher", "session-state",
                                        "memory-recall", "client",     "provider-adapter"};

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

MeshCertificates::MeshCertificates()
    : authorities_{std::make_unique<rpc::TestAuthority>("first"),
                   std::make_unique<rpc::TestAuthority>("second")} {
  const char* temporary = std::getenv("TMPDIR");
  std::string pattern =
      absl::StrCat(temporary != nullptr ? temporary : "/tmp", "/penstock-tls-XXXXXX");
  folder_ = mkdtemp(pattern.data());
  rpc::ReplaceFile(folder_, "ca.crt",
                   authorities_[0]->certificate() + authorities_[1]->certificate());
  Issue();
}

MeshCertificates::~MeshCertificates() {
  std::error_code none;
  std::filesystem::remove_all(folder_, none);
}

std::map<std::string, Settings> MeshCertificates::settings() const {
  std::map<std::string, Settings> settings;
  for (const absl::string_view name : kNames) {
    // Of the process; the certificate is called after the service.
    const std::string process = absl::StrReplaceAll(name, {{"-", "_"}});
    settings[process] = {{"tls.cert_file", absl::StrCat(folder_, "/", name, ".crt")},
                         {"tls.key_file", absl::StrCat(folder_, "/", name, ".key")},
                         {"tls.ca_file", folder_ + "/ca.crt"},
                         {"tls.reload_interval", "50ms"}};
  }
  settings["standalone"] = settings["gateway"];
  return settings;
}

void MeshCertificates::Exchange() {
  issuer_ = 1;
  Issue();
}

void MeshCertificates::Issue() const {
  for (const absl::string_view name : kNames) {
    authority().Issue({.dns_names = {std::string(name)}}).WriteTo(folder_, name);
  }
}

std::shared_ptr<grpc::ChannelCredentials> MeshCertificates::CredentialsOf(
    absl::string_view name, const std::string& service, const std::string& vouched_by) const {
  rpc::Certificates own;
  own.chain = ReadFile(absl::StrCat(folder_, "/", name, ".crt"));
  own.key = ReadFile(absl::StrCat(folder_, "/", name, ".key"));
  own.authorities = vouched_by.empty() ? ReadFile(folder_ + "/ca.crt") : vouched_by;
  return rpc::ClientTls(rpc::ProviderOf(own), service);
}

std::shared_ptr<grpc::Channel> MeshCertificates::Connect(const std::string& endpoint,
                                                         absl::string_view name,
                                                         const std::string& service,
                                                         const std::string& vouched_by) const {
  return rpc::OpenChannel(endpoint, CredentialsOf(name, service, vouched_by));
}

}  // namespace penstock::harness
