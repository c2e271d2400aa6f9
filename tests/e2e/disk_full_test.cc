// A full disk: what cannot be written is not acknowledged, the process says so and ends, and with
// space again it goes on with everything that it had acknowledged. PENSTOCK_SCALE=full: 10 times.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "tests/harness/collect.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/judge.h"
#include "tests/harness/mesh.h"
#include "tests/harness/persistent_caller.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

namespace fs = std::filesystem;

constexpr int kWorkers = 4;
constexpr absl::Duration kPatience = absl::Seconds(120);
const char* const kServices[] = {"session_state", "memory_recall", "dispatcher"};

bool Failed() { return testing::Test::HasFailure(); }

int Cycles() { return IsFullSize() ? 10 : 1; }

// A file system of 256 MiB in memory: what the callers write while they wait fits ten times over.
class SmallDisk {
 public:
  SmallDisk() {
    std::string pattern = fs::temp_directory_path() / "penstock-disk-XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
    mounted_ = mount("penstock-test", folder_.c_str(), "tmpfs", 0, "size=256m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
    std::error_code none;
    fs::remove(folder_, none);
  }

  bool mounted() const { return mounted_; }
  std::string folder() const { return folder_.string(); }

  // Takes every byte that is free, again and again until `enough`.
  template <class Condition>
  void FillUntil(Condition enough) const {
    std::ofstream ballast(Ballast(), std::ios::binary | std::ios::app);
    const std::string block(4096, 'x');
    while (!enough()) {
      while (ballast.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
      }
      ballast.clear();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void Free() const { fs::remove(Ballast()); }

 private:
  fs::path Ballast() const { return folder_ / "ballast"; }

  fs::path folder_;
  bool mounted_ = false;
};

class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_.mounted()) << "this test mounts a tmpfs and needs to be root";
    auto mesh = Mesh::Start(
        {.shape = Shape::kFiveProcesses,
         .settings = {{"data_dir", disk_.folder() + "/data"}, {"turn.max_starts", "100"}},
         .simulator_flags = {"--record-limit", "100000"},
         .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    for (int worker = 0; worker < kWorkers; ++worker) {
      callers_.push_back(mesh_->NewCaller({.user = UserOf(worker)}));
    }
  }

  static std::string UserOf(int worker) { return absl::StrCat("user", worker); }

  // Turn after turn, each with as much text as makes a disk full, until told to stop.
  void Talk(int worker) {
    const PersistentCaller caller(*callers_[static_cast<size_t>(worker)], ledger_);
    const std::string text = absl::StrCat("Write.\n/sim delay 20\n", std::string(20000, 'x'));
    for (int order = 1; !stop_; ++order) {
      const absl::Time give_up = absl::Now() + kPatience;
      const auto turn = caller.Submit(
          {absl::StrCat("r", worker, "-", order), UserOf(worker), "sessions/s", order}, text,
          give_up);
      ASSERT_TRUE(turn.ok()) << turn.status();
      const absl::Status followed = caller.Follow(UserOf(worker), *turn, give_up);
      ASSERT_TRUE(followed.ok()) << followed;
    }
  }

  bool AnyEnded() {
    for (const char* service : kServices) {
      if (mesh_->processes().pid(service) == 0) return true;
    }
    return false;
  }

  std::string ErrorsOf(absl::string_view service) const {
    std::ifstream file(absl::StrCat(mesh_->folder(), "/", service, ".err"));
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  // Checks what the services that gave up have said, and starts them again.
  void RestartEnded() {
    for (const char* service : kServices) {
      if (mesh_->processes().pid(service) != 0) continue;
      ++ended_;
      EXPECT_TRUE(absl::StrContains(ErrorsOf(service), "nothing more is acknowledged"))
          << service << " says:\n"
          << ErrorsOf(service);
      const auto ready = mesh_->processes().Restart(service);
      ASSERT_TRUE(ready.ok()) << ready.status();
    }
  }

  // Fills the disk until a service gives up, makes room, and waits until turns end again. A write
  // that failed just before there was room may end another service a little later.
  void Cycle() {
    const size_t before = ledger_.ended();
    disk_.FillUntil([this] { return AnyEnded(); });
    disk_.Free();
    const absl::Time until = absl::Now() + kPatience;
    do {
      RestartEnded();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    } while (!HasFailure() && ledger_.ended() < before + kWorkers && absl::Now() < until);
  }

  Report Judged() {
    History history = ledger_.Take();
    const absl::Time give_up = absl::Now() + kPatience;
    for (int worker = 0; worker < kWorkers; ++worker) {
      const absl::Status collected =
          CollectStored(*callers_[static_cast<size_t>(worker)], UserOf(worker), give_up, history);
      EXPECT_TRUE(collected.ok()) << collected;
    }
    const absl::Status received = CollectProviderCalls(mesh_->simulator(), history);
    EXPECT_TRUE(received.ok()) << received;
    return Judge(history);
  }

  const SmallDisk disk_;
  std::unique_ptr<Mesh> mesh_;
  std::vector<std::unique_ptr<Caller>> callers_;
  Ledger ledger_;
  std::atomic<bool> stop_ = false;
  int ended_ = 0;
};

TEST_F(DiskFullTest, NothingAcknowledgedIsLostAndWorkGoesOnWithSpaceAgain) {
  std::vector<std::thread> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([this, worker] { Talk(worker); });
  }
  for (int i = 0; i < Cycles() && !HasFailure(); ++i) Cycle();
  stop_ = true;
  for (std::thread& worker : workers) worker.join();

  const Report report = Judged();

  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_GE(ended_, Cycles());
  EXPECT_TRUE(mesh_->processes().CheckRunning().ok());
  AddFigures({{"cycles", Cycles()},
              {"processes_that_gave_up", ended_},
              {"acknowledged", report.counts.acknowledged},
              {"ended", report.counts.ended},
              {"lost", report.Count(Verdict::kLost)}});
}

}  // namespace
}  // namespace penstock::harness
