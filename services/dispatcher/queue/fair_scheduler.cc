#include "services/dispatcher/queue/fair_scheduler.h"

#include <algorithm>
#include <cmath>
#include <utility>

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
    : cost_(options.cost), configured_weights_(std::move(options.weights)), rates_(options.shares) {
  for (auto& line : lines_) line = std::make_unique<Line>(weights_);
}

FairScheduler::~FairScheduler() = default;

void FairScheduler::Enqueue(const WaitingEntry& entry, absl::Duration) {
  auto& known = entries_[entry.id];
  if (known != nullptr) return;
  known = std::make_unique<Known>();
  known->entry = {.id = entry.id,
                  .seq = entry.seq,
                  .tenant = TenantOf(entry.tenant),
                  .user = entry.user,
                  .cost = cost_.Of(entry.estimated_tokens, 0)};
  known->turn_class = entry.turn_class;
  Join(*known);
}

void FairScheduler::SetClass(EntryId id, TurnClass turn_class) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Known& known = *found->second;
  if (known.state == State::kStarted || known.turn_class == turn_class) return;
  Leave(known);
  known.turn_class = turn_class;
  Join(known);
}

void FairScheduler::MarkReady(EntryId id, int64_t input_tokens, int64_t output_tokens) {
  Known* known = Find(id, State::kWaiting);
  if (known == nullptr) return;
  known->state = State::kReady;
  known->input_tokens = input_tokens;
  known->output_tokens =
      std::min(output_tokens, static_cast<int64_t>(tenants_[known->entry.tenant].mean_output));
  known->entry.cost = cost_.Of(input_tokens, known->output_tokens);
  LineOf(*known).flows.MarkReady(known->entry);
  ++ready_;
}

void FairScheduler::Withdraw(EntryId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Known& known = *found->second;
  if (known.state == State::kStarted) {
    LineOf(known).flows.End(known.entry, known.entry.cost);
  } else {
    Leave(known);
  }
  entries_.erase(found);
}

std::vector<EntryId> FairScheduler::Window(size_t n) {
  std::vector<EntryId> fresh;
  for (const EntryId id : std::exchange(to_name_, {})) {
    const auto found = entries_.find(id);
    if (found != entries_.end()) Name(*found->second, fresh);
  }
  if (named_ == waiting_ || (!look_ahead_ && named_ * 2 >= n)) return fresh;
  look_ahead_ = false;
  size_t left = n;
  for (const TurnClass turn_class : kClasses) {
    Line& line = *lines_[turn_class];
    line.wanted = WindowOf(turn_class, n, left);
    const auto ahead = line.flows.Ahead(line.wanted, line.frontier);
    left -= std::min(left, ahead.size());
    for (const FairEntry* entry : ahead) Name(*entries_.find(entry->id)->second, fresh);
  }
  return fresh;
}

void FairScheduler::Name(Known& known, std::vector<EntryId>& fresh) {
  if (known.named || known.state == State::kStarted) return;
  known.named = true;
  ++named_;
  fresh.push_back(known.entry.id);
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
  if (owed != nullptr) return owed->id;
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
  LineOf(*known).flows.Serve(known->entry);
  rates_.Charge(known->turn_class, known->entry.cost, now);
  known->state = State::kStarted;
  --ready_;
  --waiting_;
  if (known->named) --named_;
}

void FairScheduler::Requeue(EntryId id, absl::Duration now) {
  Known* known = Find(id, State::kStarted);
  if (known == nullptr) return;
  End(*known, 0, now);
  known->state = State::kWaiting;
  known->entry.ready = false;
  Join(*known);
}

void FairScheduler::Settle(EntryId id, const chat::v1::Usage& actual, absl::Duration now) {
  Known* known = Find(id, State::kStarted);
  if (known == nullptr) return;
  if (actual.has_output_tokens()) tenants_[known->entry.tenant].Learn(actual.output_tokens());
  End(*known, cost_.Of(actual, known->input_tokens, known->output_tokens), now);
  entries_.erase(id);
}

int64_t FairScheduler::Position(EntryId id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second->state == State::kStarted) return 0;
  const Known& known = *found->second;
  return PositionIn(known.turn_class, lines_[known.turn_class]->flows.AheadOf(known.entry));
}

int64_t FairScheduler::PositionOfNext(const WaitingEntry& entry) const {
  // A tenant that is not known yet has the next index.
  const uint32_t tenant = FindTenant(entry.tenant).value_or(static_cast<uint32_t>(weights_.size()));
  return PositionIn(entry.turn_class,
                    lines_[entry.turn_class]->flows.AheadOfNext(tenant, entry.user));
}

size_t FairScheduler::flows() const {
  size_t flows = 0;
  for (const TurnClass turn_class : kClasses) flows += lines_[turn_class]->flows.flows();
  return flows;
}

FairScheduler::Known* FairScheduler::Find(EntryId id, State state) {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second->state == state ? found->second.get() : nullptr;
}

void FairScheduler::Join(Known& known) {
  Line& line = LineOf(known);
  line.flows.Join(known.entry);
  ++waiting_;
  ready_ += known.entry.ready;
  if (known.named) {
    ++named_;
  } else if (line.frontier.whole && line.flows.waiting() <= line.wanted) {
    to_name_.push_back(known.entry.id);
  } else if (!look_ahead_) {
    look_ahead_ = line.flows.IsInside(known.entry, line.frontier);
  }
}

void FairScheduler::Leave(Known& known) {
  LineOf(known).flows.Leave(known.entry);
  --waiting_;
  ready_ -= known.entry.ready;
  if (known.named) --named_;
}

void FairScheduler::End(Known& known, double actual, absl::Duration now) {
  rates_.Correct(known.turn_class, actual - known.entry.cost, now);
  LineOf(known).flows.End(known.entry, actual);
}

uint32_t FairScheduler::TenantOf(absl::string_view tenant) {
  const auto [index, fresh] = indices_.try_emplace(tenant, static_cast<uint32_t>(weights_.size()));
  if (fresh) {
    const auto weight = configured_weights_.find(tenant);
    weights_.push_back(weight == configured_weights_.end() ? 1 : weight->second);
    tenants_.emplace_back();
  }
  return index->second;
}

std::optional<uint32_t> FairScheduler::FindTenant(absl::string_view tenant) const {
  const auto index = indices_.find(tenant);
  return index == indices_.end() ? std::nullopt : std::optional<uint32_t>(index->second);
}

size_t FairScheduler::WindowOf(TurnClass turn_class, size_t n, size_t left) const {
  const ClassShare& share = rates_.shares()[turn_class];
  return std::max(std::min(left, PartOf(n, share.cap)), PartOf(n, share.floor));
}

int64_t FairScheduler::PositionIn(TurnClass turn_class, size_t ahead) const {
  for (const TurnClass higher : kClasses) {
    if (higher < turn_class) ahead += lines_[higher]->flows.waiting();
  }
  return static_cast<int64_t>(ahead) + 1;
}

}  // namespace penstock::dispatcher
