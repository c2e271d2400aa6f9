// Kills processes, from outside and by failpoints, and starts them again.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/chaos/failpoint_table.h"
#include "tests/harness/ledger.h"
#include "tests/harness/mesh.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::chaos {

// A SIGKILL at a random moment; then, for each failpoint, a start with it armed, at which the
// process kills itself; and a start with none.
struct Step {
  std::string process;
  std::vector<FailpointRow> failpoints = {};
};

struct KillerOptions {
  unsigned seed = 1;
  // Before every kill from outside; a failpoint that fires with fewer does not count as fired.
  size_t turns_in_flight = 10;
  // Armed in every life beside the failpoint: "planted.x=error".
  std::string always_armed = "";
};

// Not thread-safe.
class Killer {
 public:
  // All must outlive it.
  Killer(harness::Mesh& mesh, harness::Ledger& ledger, KillerOptions options);

  // Every step; failpoints that did not fire are tried again at the end, armed for their first hit.
  // An error names a process that does not start again, or ends in another way
  // than it should.
  absl::Status Run(std::vector<Step> steps);

  // How often each failpoint fired with enough turns in flight.
  const std::map<std::string, int>& fired() const { return fired_; }
  // From a death to the next ready line.
  const std::vector<absl::Duration>& restarts() const { return restarts_; }
  absl::Time last_kill() const { return last_kill_; }

 private:
  // The failpoints that did not fire.
  absl::StatusOr<std::vector<FailpointRow>> Take(const Step& step, int most_hits);
  absl::StatusOr<bool> Fire(const std::string& process, const FailpointRow& failpoint,
                            int most_hits);
  absl::Status KillFromOutside(const std::string& process);
  absl::Status StartAgain(const std::string& process);
  void Found(harness::KillSeen kill);
  absl::Status AwaitTurns() const;
  // So that some answer ends while session-state is away.
  absl::Status AwaitStreams() const;
  std::vector<std::string> Armed(const std::string& failpoint) const;

  harness::Mesh& mesh_;
  harness::Ledger& ledger_;
  const KillerOptions options_;
  std::mt19937 random_;
  std::map<std::string, int> fired_;
  std::vector<absl::Duration> restarts_;
  absl::Time last_kill_ = absl::InfinitePast();
};

}  // namespace penstock::chaos
