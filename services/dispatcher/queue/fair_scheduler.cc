#include "services/dispatcher/queue/fair_scheduler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "libs/base/failpoint.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::TurnClass;

// In order of rank, as their values are.
constexpr TurnClass kClasses[] = {chat::v1::CLASS_ACTION, chat::v1::CLASS_FIRST,
                                  chat::v1::CLASS_PAID, chat::v1::CLASS_FREE,
                                  chat::v1::CLASS_BATCH};
// Nothing is free, else a flow of it would never move.
constexpr double kLeastCost = 1;
// Of a tenant's mean output, the part of the newest call.
constexpr double kLearning = 0.05;

int32_t Bounded(int64_t tokens) {
  return static_cast<int32_t>(std::clamp<int64_t>(tokens, 0, std::numeric_limits<int32_t>::max()));
}

size_t PartOf(size_t n, double share) {
  return static_cast<size_t>(std::ceil(static_cast<double>(n) * share));
}

}  // namespace

double TokenCost::Of(int64_t input_tokens, int64_t output_tokens) const {
  return std::max(kLeastCost, uncached_input * static_cast<double>(input_tokens) +
                                  output * static_cast<double>(output_tokens));
}

double TokenCost::Of(const chat::v1::Usage& usage, int64_t expected_input,
                     int64_t expected_output) const {
  const int64_t input = usage.has_input_tokens() ? usage.input_tokens() : expected_input;
  const int64_t written = usage.has_output_tokens() ? usage.output_tokens() : expected_output;
  const int64_t cached = std::min(input, usage.cache_read_input_tokens());
  return std::max(kLeastCost, uncached_input * static_cast<double>(input - cached) +
                                  cached_input * static_cast<double>(cached) +
                                  output * static_cast<double>(written));
}

void FairScheduler::Tenant::Learn(int64_t output_tokens) {
  mean_output += (static_cast<double>(output_tokens) - mean_output) * kLearning;
}

FairScheduler::FairScheduler(FairSchedulerOptions options)
    : cost_(options.cost),
      configured_weights_(std::move(options.shares.weights)),
      rates_(options.shares.classes) {
  for (auto& line : lines_) line = std::make_unique<Line>(weights_);
}

FairScheduler::~FairScheduler() = default;

void FairScheduler::SetShares(const Shares& shares) {
  configured_weights_ = shares.weights;
  for (const auto& [tenant, index] : indices_) weights_[index] = ConfiguredWeight(tenant);
  for (auto& line : lines_) line->flows.TakeWeights();
  rates_.SetShares(shares.classes);
  // The parts of the window follow at the next one.
  window_ = 0;
}

void FairScheduler::Enqueue(const WaitingEntry& entry, absl::Duration) {
  entries_.Prefetch(entry.id);
  const uint32_t tenant = TenantOf(entry.tenant);
  const auto make = [&](Known& known) {
    known.id = entry.id;
    known.seq = entry.seq;
    known.cost = cost_.Of(entry.estimated_tokens, 0);
    known.turn_class = entry.turn_class;
  };
  const auto [known, fresh] = entries_.FindOrMake(entry.id, make);
  if (fresh) Join(*known, {tenant, entry.user});
}

void FairScheduler::SetClass(EntryId id, TurnClass turn_class) {
  Known* known = entries_.Find(id);
  if (known == nullptr || known->state == State::kStarted || known->turn_class == turn_class) {
    return;
  }
  const FairFlows::Owner owner = FairFlows::OwnerOf(*known);
  Leave(*known);
  known->turn_class = turn_class;
  Join(*known, owner);
}

void FairScheduler::MarkReady(EntryId id, int64_t input_tokens, int64_t output_tokens) {
  Known* known = Find(id, State::kWaiting);
  if (known == nullptr) return;
  const double mean_output = tenants_[FairFlows::OwnerOf(*known).tenant].mean_output;
  known->state = State::kReady;
  known->input_tokens = Bounded(input_tokens);
  known->output_tokens = Bounded(std::min(output_tokens, static_cast<int64_t>(mean_output)));
  known->cost = cost_.Of(known->input_tokens, known->output_tokens);
  LineOf(*known).flows.MarkReady(*known);
  ++ready_;
}

void FairScheduler::Withdraw(EntryId id) {
  Known* known = entries_.Find(id);
  if (known == nullptr) return;
  if (known->state == State::kStarted) {
    LineOf(*known).flows.End(*known, known->cost);
  } else {
    Leave(*known);
  }
  entries_.Erase(*known);
}

std::vector<EntryId> FairScheduler::Window(size_t n) {
  std::vector<EntryId> fresh;
  for (const EntryId id : to_name_) {
    if (Known* known = entries_.Find(id)) Name(*known, fresh);
  }
  to_name_.clear();
  if (n != window_) SetWindow(n);
  size_t left = n;
  for (const TurnClass turn_class : kClasses) {
    Line& line = *lines_[turn_class];
    const size_t wanted = std::max(std::min(left, line.most), line.least);
    left -= std::min({left, wanted, line.flows.waiting()});
    if (!line.NeedsLook(wanted)) continue;
    line.joined_inside = 0;
    for (FairEntry* entry : line.ahead.Take(line.flows, wanted)) {
      Name(static_cast<Known&>(*entry), fresh);
    }
  }
  return fresh;
}

void FairScheduler::SetWindow(size_t n) {
  window_ = n;
  for (const TurnClass turn_class : kClasses) {
    const ClassShare& share = rates_.shares()[turn_class];
    lines_[turn_class]->least = PartOf(n, share.floor);
    lines_[turn_class]->most = PartOf(n, share.cap);
  }
}

bool FairScheduler::Line::NeedsLook(size_t wanted) const {
  if (named == flows.waiting()) return false;
  const bool half_used_up = named * 2 < wanted;
  // Each that joined inside has pushed one out.
  const bool is_too_far = joined_inside > wanted;
  const bool is_outgrown = ahead.whole() && flows.waiting() > ahead.wanted();
  return half_used_up || is_too_far || is_outgrown;
}

void FairScheduler::NameIfInside(const Known& known) {
  Line& line = LineOf(known);
  if (line.flows.waiting() > line.ahead.wanted()) {
    if (line.ahead.whole() || !line.ahead.Reaches(known)) return;
    ++line.joined_inside;
  }
  to_name_.push_back(known.id);
}

void FairScheduler::Name(Known& known, std::vector<EntryId>& fresh) {
  if (known.named || known.state == State::kStarted) return;
  known.named = true;
  ++LineOf(known).named;
  fresh.push_back(known.id);
}

std::optional<EntryId> FairScheduler::Pick(absl::Duration now) const {
  const FairEntry* highest = nullptr;
  const FairEntry* owed = nullptr;
  absl::Duration owed_since = absl::InfiniteDuration();
  for (const TurnClass turn_class : kClasses) {
    const FairEntry* entry = lines_[turn_class]->flows.Next();
    if (entry == nullptr || rates_.OverCap(turn_class, now)) continue;
    if (highest == nullptr) highest = entry;
    const auto since = rates_.Owed(turn_class, now);
    if (since && *since < owed_since) {
      owed = entry;
      owed_since = *since;
    }
  }
  if (owed != nullptr && !PENSTOCK_PLANTED_BUG("planted.floor_ignored")) return owed->id;
  if (highest != nullptr) return highest->id;
  return std::nullopt;
}

absl::Duration FairScheduler::TimeToPick(absl::Duration now) const {
  absl::Duration least = absl::InfiniteDuration();
  for (const TurnClass turn_class : kClasses) {
    if (lines_[turn_class]->flows.ready() == 0) continue;
    least = std::min(least, rates_.CapEnds(turn_class) - now);
  }
  return std::max(least, absl::ZeroDuration());
}

void FairScheduler::Start(EntryId id, absl::Duration now) {
  Known* known = Find(id, State::kReady);
  if (known == nullptr) return;
  Line& line = LineOf(*known);
  line.flows.Serve(*known);
  line.named -= known->named;
  rates_.Charge(known->turn_class, known->cost, now);
  known->state = State::kStarted;
  --ready_;
  --waiting_;
}

void FairScheduler::Requeue(EntryId id, absl::Duration now) {
  Known* known = Find(id, State::kStarted);
  if (known == nullptr) return;
  const FairFlows::Owner owner = FairFlows::OwnerOf(*known);
  End(*known, 0, now);
  known->state = State::kWaiting;
  known->ready = false;
  Join(*known, owner);
}

void FairScheduler::Settle(EntryId id, const chat::v1::Usage& actual, absl::Duration now) {
  Known* known = Find(id, State::kStarted);
  if (known == nullptr) return;
  if (actual.has_output_tokens()) {
    tenants_[FairFlows::OwnerOf(*known).tenant].Learn(actual.output_tokens());
  }
  End(*known, cost_.Of(actual, known->input_tokens, known->output_tokens), now);
  entries_.Erase(*known);
}

int64_t FairScheduler::Position(EntryId id) const {
  const Known* known = entries_.Find(id);
  if (known == nullptr || known->state == State::kStarted) return 0;
  return PositionIn(known->turn_class, lines_[known->turn_class]->flows.AheadOf(*known));
}

int64_t FairScheduler::PositionOfNext(const WaitingEntry& entry) const {
  // A tenant that is not known yet has the next index.
  const uint32_t tenant = FindTenant(entry.tenant).value_or(static_cast<uint32_t>(weights_.size()));
  return PositionIn(entry.turn_class,
                    lines_[entry.turn_class]->flows.AheadOfNext({tenant, entry.user}));
}

size_t FairScheduler::flows() const {
  size_t flows = 0;
  for (const TurnClass turn_class : kClasses) flows += lines_[turn_class]->flows.flows();
  return flows;
}

FairScheduler::Known* FairScheduler::Find(EntryId id, State state) {
  Known* known = entries_.Find(id);
  return known != nullptr && known->state == state ? known : nullptr;
}

void FairScheduler::Join(Known& known, const FairFlows::Owner& owner) {
  Line& line = LineOf(known);
  line.flows.Join(known, owner);
  line.named += known.named;
  ++waiting_;
  ready_ += known.ready;
  if (!known.named) NameIfInside(known);
}

void FairScheduler::Leave(Known& known) {
  Line& line = LineOf(known);
  line.flows.Leave(known);
  line.named -= known.named;
  --waiting_;
  ready_ -= known.ready;
}

void FairScheduler::SetCallRate(double per_second) {
  rates_.SetRate(std::isfinite(per_second) ? per_second * mean_cost_ : 0);
}

void FairScheduler::End(Known& known, double actual, absl::Duration now) {
  if (actual > 0) mean_cost_ += (actual - mean_cost_) * (mean_cost_ > 0 ? kLearning : 1);
  rates_.Correct(known.turn_class, actual - known.cost, now);
  LineOf(known).flows.End(known, actual);
}

uint32_t FairScheduler::TenantOf(absl::string_view tenant) {
  const auto [index, fresh] = indices_.try_emplace(tenant, static_cast<uint32_t>(weights_.size()));
  if (fresh) {
    weights_.push_back(ConfiguredWeight(tenant));
    tenants_.emplace_back();
  }
  return index->second;
}

double FairScheduler::ConfiguredWeight(absl::string_view tenant) const {
  const auto weight = configured_weights_.find(tenant);
  return weight == configured_weights_.end() ? 1 : weight->second;
}

std::optional<uint32_t> FairScheduler::FindTenant(absl::string_view tenant) const {
  const auto index = indices_.find(tenant);
  return index == indices_.end() ? std::nullopt : std::optional<uint32_t>(index->second);
}

int64_t FairScheduler::PositionIn(TurnClass turn_class, size_t ahead) const {
  for (const TurnClass higher : kClasses) {
    if (higher < turn_class) ahead += lines_[higher]->flows.waiting();
  }
  return static_cast<int64_t>(ahead) + 1;
}

}  // namespace penstock::dispatcher
