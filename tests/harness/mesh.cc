#include "tests/harness/mesh.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/base/status_macros.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

// Who is called stands before who calls.
constexpr absl::string_view kFive[] = {"session_state", "memory_recall", "provider_adapter",
                                       "dispatcher", "gateway"};

// Ports that were free a moment ago, all different.
class FreePorts {
 public:
  ~FreePorts() {
    for (const int socket : sockets_) close(socket);
  }

  absl::StatusOr<int> Next() {
    const int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (holder < 0) return absl::ErrnoToStatus(errno, "socket");
    sockets_.push_back(holder);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(holder, generic, size) != 0 || getsockname(holder, generic, &size) != 0) {
      return absl::ErrnoToStatus(errno, "bind");
    }
    return ntohs(address.sin_port);
  }

 private:
  // Held until all are chosen.
  std::vector<int> sockets_;
};

absl::Status WriteFile(const std::string& path, absl::string_view text) {
  std::ofstream file(path);
  file << std::string(text);
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

}  // namespace

absl::string_view NameOf(Shape shape) {
  return shape == Shape::kStandalone ? "standalone" : "five";
}

absl::StatusOr<std::unique_ptr<Mesh>> Mesh::Start(MeshOptions options) {
  auto mesh = std::unique_ptr<Mesh>(new Mesh(std::move(options)));
  PENSTOCK_RETURN_IF_ERROR(mesh->Start());
  return mesh;
}

Mesh::~Mesh() {
  if (processes_ == nullptr) return;
  const bool failed = options_.failed != nullptr && options_.failed();
  if (failed) std::fprintf(stderr, "%s", processes_->Logs().c_str());
  processes_ = nullptr;
  if (failed || std::getenv("PENSTOCK_KEEP") != nullptr) {
    std::fprintf(stderr, "kept: %s\n", folder_.c_str());
    return;
  }
  std::error_code none;
  std::filesystem::remove_all(folder_, none);
}

absl::Status Mesh::Start() {
  PENSTOCK_RETURN_IF_ERROR(MakeFolder());
  processes_ = std::make_unique<Processes>(folder_);
  PENSTOCK_RETURN_IF_ERROR(StartSimulator());
  PENSTOCK_RETURN_IF_ERROR(WriteConfig());
  return StartServices();
}

absl::Status Mesh::MakeFolder() {
  std::string parent = options_.parent_folder;
  if (parent.empty()) {
    const char* temporary = std::getenv("TMPDIR");
    parent = temporary != nullptr ? temporary : "/tmp";
  }
  std::string pattern = absl::StrCat(parent, "/penstock-XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) return absl::ErrnoToStatus(errno, pattern);
  folder_ = std::filesystem::absolute(pattern).string();
  return absl::OkStatus();
}

absl::Status Mesh::StartSimulator() {
  std::vector<std::string> flags = {"--listen", "127.0.0.1:0"};
  flags.insert(flags.end(), options_.simulator_flags.begin(), options_.simulator_flags.end());
  const std::string prefix = "ready providersim ";
  PENSTOCK_ASSIGN_OR_RETURN(const std::string ready,
                            processes_->Start({.name = "providersim",
                                               .binary = BinaryPath("providersim"),
                                               .arguments = std::move(flags),
                                               .ready_prefix = prefix}));
  provider_url_ = ready.substr(prefix.size());
  simulator_ = std::make_unique<Simulator>(provider_url_);
  return absl::OkStatus();
}

absl::Status Mesh::WriteConfig() {
  Settings settings = WithoutLimits();
  settings["data_dir"] = folder_ + "/data";
  settings["providers.0.base_url"] = provider_url_;
  for (size_t i = 0; i < options_.accounts.size(); ++i) {
    settings[absl::StrCat("providers.", i + 1)] =
        absl::StrCat("{name: ", options_.accounts[i], ", base_url: '", provider_url_, "'}");
  }
  FreePorts ports;
  for (const absl::string_view name : kFive) {
    std::string address = AddressFor(name);
    if (options_.tcp) {
      PENSTOCK_ASSIGN_OR_RETURN(const int port, ports.Next());
      address = absl::StrCat("127.0.0.1:", port);
    }
    settings[absl::StrCat("endpoints.", name)] = absl::StrCat("\"", address, "\"");
    gateway_address_ = std::move(address);
  }
  for (const auto& [path, value] : options_.settings) settings[path] = value;
  PENSTOCK_ASSIGN_OR_RETURN(const std::string sample, SampleConfig());
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, WithSettings(sample, settings));
  PENSTOCK_ASSIGN_OR_RETURN(const std::string secret,
                            SettingOf(text, "identity.issuers.0.keys.0.secret"));
  PENSTOCK_ASSIGN_OR_RETURN(Tokens tokens, Tokens::FromSecret(secret));
  tokens_ = std::make_unique<Tokens>(std::move(tokens));
  config_file_ = folder_ + "/config.yaml";
  return WriteFile(config_file_, text);
}

absl::Status Mesh::StartServices() {
  std::vector<absl::string_view> names(std::begin(kFive), std::end(kFive));
  if (options_.shape == Shape::kStandalone) names = {"standalone"};
  for (const absl::string_view name : names) {
    std::string config = config_file_;
    if (const auto own = options_.settings_of.find(std::string(name));
        own != options_.settings_of.end()) {
      PENSTOCK_ASSIGN_OR_RETURN(config, OwnConfig(own->first, own->second));
    }
    PENSTOCK_RETURN_IF_ERROR(processes_
                                 ->Start({.name = std::string(name),
                                          .binary = BinaryPath(name),
                                          .arguments = {"--config", config},
                                          .environment = options_.environment})
                                 .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Mesh::OwnConfig(const std::string& name,
                                            const Settings& settings) const {
  std::ifstream file(config_file_);
  std::ostringstream all;
  all << file.rdbuf();
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, WithSettings(all.str(), settings));
  const std::string config_file = absl::StrCat(folder_, "/", name, ".yaml");
  PENSTOCK_RETURN_IF_ERROR(WriteFile(config_file, text));
  return config_file;
}

absl::Status Mesh::StartMore(absl::string_view service, const std::string& name,
                             Settings settings) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string config_file, OwnConfig(name, settings));
  return processes_
      ->Start({.name = name, .binary = BinaryPath(service), .arguments = {"--config", config_file}})
      .status();
}

std::string Mesh::AddressFor(absl::string_view name) const {
  return absl::StrCat("unix:", folder_, "/", name, ".sock");
}

std::unique_ptr<Caller> Mesh::NewCaller(const TokenUser& user) const {
  return NewCaller(user, Caller::Connect(gateway_address_));
}

std::unique_ptr<Caller> Mesh::NewCaller(const TokenUser& user,
                                        std::shared_ptr<grpc::Channel> channel) const {
  return std::make_unique<Caller>(std::move(channel), tokens_->For(user));
}

}  // namespace penstock::harness
