// Penstock as it is deployed: real binaries with a temporary folder, and a provider simulator.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>

#include "tests/harness/caller.h"
#include "tests/harness/mesh_config.h"
#include "tests/harness/processes.h"
#include "tests/harness/simulator.h"
#include "tests/harness/tokens.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::harness {

enum class Shape {
  // One process.
  kStandalone,
  // gateway, dispatcher, session_state, memory_recall, provider_adapter.
  kFiveProcesses,
};

// "standalone" or "five", for names of tests.
absl::string_view NameOf(Shape shape);

struct MeshOptions {
  Shape shape = Shape::kStandalone;
  // Ports of 127.0.0.1 instead of Unix sockets. A port is chosen before it is taken, so another
  // program may take it first.
  bool tcp = false;
  // Changes of deploy/config/five.yaml, over WithoutLimits.
  Settings settings = {};
  // Further changes for one process, by its name.
  std::map<std::string, Settings> settings_of = {};
  // Names of further entries of `providers`: accounts, all with the same simulator.
  std::vector<std::string> accounts = {};
  std::vector<std::string> simulator_flags = {};
  // "NAME=value", of every service.
  std::vector<std::string> environment = {};
  // Where the temporary folder is made; empty: $TMPDIR, else /tmp.
  std::string parent_folder = "";
  // When this says true as the mesh goes, the last lines of all logs are printed and the folder is
  // kept; so it is with PENSTOCK_KEEP in the environment.
  bool (*failed)() = nullptr;
};

// Binaries come from $PENSTOCK_BIN_DIR or build/release/bin. Thread-safe once started.
class Mesh {
 public:
  // Returns when every process serves.
  static absl::StatusOr<std::unique_ptr<Mesh>> Start(MeshOptions options);
  ~Mesh();

  // Names: those of the binaries, so "standalone" or the five, and "providersim".
  Processes& processes() { return *processes_; }
  const Simulator& simulator() const { return *simulator_; }
  const Tokens& tokens() const { return *tokens_; }

  // "unix:/…/gateway.sock" or "127.0.0.1:PORT".
  const std::string& gateway_address() const { return gateway_address_; }
  const std::string& folder() const { return folder_; }
  const std::string& config_file() const { return config_file_; }

  // Starts one more process of `service`, called `name`, with some settings changed. The settings
  // must give it an address, and a data_dir if it has data.
  absl::Status StartMore(absl::string_view service, const std::string& name, Settings settings);
  // An address for one more process: a socket in the folder.
  std::string AddressFor(absl::string_view name) const;

  // A caller on a connection of its own.
  std::unique_ptr<Caller> NewCaller(const TokenUser& user) const;
  // A caller on a connection that several share.
  std::unique_ptr<Caller> NewCaller(const TokenUser& user,
                                    std::shared_ptr<grpc::Channel> channel) const;

  // Terminates everything; an error names who did not end with exit code 0.
  absl::Status Stop() { return processes_->StopAll(); }

 private:
  explicit Mesh(MeshOptions options) : options_(std::move(options)) {}

  absl::Status Start();
  absl::Status MakeFolder();
  absl::Status StartSimulator();
  absl::Status WriteConfig();
  // Path of the configuration of one process.
  absl::StatusOr<std::string> OwnConfig(const std::string& name, const Settings& settings) const;
  absl::Status StartServices();

  const MeshOptions options_;
  std::string folder_;
  std::string config_file_;
  std::string gateway_address_;
  std::string provider_url_;
  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<Tokens> tokens_;
  std::unique_ptr<Processes> processes_;
};

}  // namespace penstock::harness
