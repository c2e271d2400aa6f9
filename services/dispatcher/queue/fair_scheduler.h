// Strict classes with floors and caps; inside a class tenants by weight, users of a tenant equally,
// and first come first served inside a user.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "services/dispatcher/queue/fair_flows.h"
#include "services/dispatcher/queue/keyed_slab.h"
#include "services/dispatcher/queue/look_ahead.h"
#include "services/dispatcher/queue/scheduler.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

// What a token costs, in cost units: only their proportions matter. Input totals are inclusive.
struct TokenCost {
  double uncached_input = 1;
  double cached_input = 0.1;
  double output = 4;

  double Of(int64_t input_tokens, int64_t output_tokens) const;
  // Absent counts are taken from what was expected.
  double Of(const chat::v1::Usage& usage, int64_t expected_input, int64_t expected_output) const;
};

struct FairSchedulerOptions {
  TokenCost cost;
  Shares shares;
};

// ACTION > FIRST > PAID > FREE > BATCH, less what is said of floors and caps (class_rates.h).
// Two users of a tenant whose hashes are equal are one user here.
class FairScheduler : public Scheduler {
 public:
  explicit FairScheduler(FairSchedulerOptions options);
  ~FairScheduler() override;

  void SetShares(const Shares& shares) override;
  void SetCallRate(double per_second) override;
  void Enqueue(const WaitingEntry& entry, absl::Duration now) override;
  void SetClass(EntryId id, chat::v1::TurnClass turn_class) override;
  void MarkReady(EntryId id, int64_t input_tokens, int64_t output_tokens) override;
  void Withdraw(EntryId id) override;
  std::vector<EntryId> Window(size_t n) override;
  std::optional<EntryId> Pick(absl::Duration now) const override;
  absl::Duration TimeToPick(absl::Duration now) const override;
  void Start(EntryId id, absl::Duration now) override;
  void Requeue(EntryId id, absl::Duration now) override;
  void Settle(EntryId id, const chat::v1::Usage& actual, absl::Duration now) override;
  int64_t Position(EntryId id) const override;
  int64_t PositionOfNext(const WaitingEntry& entry) const override;
  size_t waiting() const override { return waiting_; }
  size_t ready() const override { return ready_; }
  // Tenants and users that are remembered, with turns or without.
  size_t flows() const;

 private:
  enum class State : uint8_t { kWaiting, kReady, kStarted };
  struct Known : FairEntry {
    State state = State::kWaiting;
    chat::v1::TurnClass turn_class = chat::v1::CLASS_FREE;
    // Expected, once it is ready.
    int32_t input_tokens = 0;
    int32_t output_tokens = 0;
  };
  struct IdOf {
    EntryId operator()(const Known& known) const { return known.id; }
  };
  struct Tenant {
    // Of its calls: an exponential mean.
    double mean_output = 256;
    void Learn(int64_t output_tokens);
  };
  // One class.
  struct Line {
    explicit Line(const std::vector<double>& weights) : flows(weights) {}
    // What was named does not fit any more to a window that has so many of this class.
    bool NeedsLook(size_t wanted) const;

    FairFlows flows;
    LookAhead ahead;
    // Its least and its greatest part of the window.
    size_t least = 0;
    size_t most = 0;
    // In line.
    size_t named = 0;
    // Joined since the look ahead, inside of what it took.
    size_t joined_inside = 0;
  };

  // Null: it is not known, or in another state.
  Known* Find(EntryId id, State state);
  Line& LineOf(const Known& known) { return *lines_[known.turn_class]; }
  void Join(Known& known, const FairFlows::Owner& owner);
  void Leave(Known& known);
  // The call has ended, and has cost this.
  void End(Known& known, double actual, absl::Duration now);
  uint32_t TenantOf(absl::string_view tenant);
  double ConfiguredWeight(absl::string_view tenant) const;
  std::optional<uint32_t> FindTenant(absl::string_view tenant) const;
  // At the next Window, if one that has just joined belongs into it.
  void NameIfInside(const Known& known);
  void Name(Known& known, std::vector<EntryId>& fresh);
  void SetWindow(size_t n);
  // With so many before it in its class.
  int64_t PositionIn(chat::v1::TurnClass turn_class, size_t ahead) const;

  const TokenCost cost_;
  absl::flat_hash_map<std::string, double> configured_weights_;
  ClassRates rates_;
  // Of a call: an exponential mean; 0: none has ended yet.
  double mean_cost_ = 0;
  absl::flat_hash_map<std::string, uint32_t> indices_;
  // By index of the tenant.
  std::vector<double> weights_;
  std::vector<Tenant> tenants_;
  std::array<std::unique_ptr<Line>, chat::v1::TurnClass_ARRAYSIZE> lines_;
  KeyedSlab<Known, IdOf> entries_;
  size_t waiting_ = 0;
  size_t ready_ = 0;
  // What the lines' parts are of.
  size_t window_ = 0;
  // Joined since the last Window, and belong into it.
  std::vector<EntryId> to_name_;
};

}  // namespace penstock::dispatcher
