// The order in which the turns of one pool get their permits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "penstock/chat/v1/message.pb.h"
#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/queue/class_rates.h"

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Given by the pool's arbiter, never reused.
using EntryId = uint64_t;

// What the scheduler knows of a turn that heads its session.
struct WaitingEntry {
  EntryId id = 0;
  chat::v1::TurnClass turn_class = chat::v1::CLASS_FREE;
  std::string tenant;
  // A hash of the user; equal for all turns of one.
  uint64_t user = 0;
  // Order of acceptance in the pool. Two of the same number stand in order of their ids.
  int64_t seq = 0;
  // Input tokens, estimated: for order and ETA only.
  int64_t estimated_tokens = 0;
};

// Who gets how much of a pool.
struct Shares {
  // By tenant, above 0; others have 1.
  absl::flat_hash_map<std::string, double> weights;
  ClassShares classes;
};

// A pure state machine: no I/O, no clock (`now` is Clock::Monotonic), no lock of its own.
//
// An entry is waiting (from Enqueue, or Requeue), ready (a waiting one, from MarkReady: its context
// is prepared and it wants a permit), or started (from Start). Every call that names an entry the
// scheduler does not know, or that is in another state, does nothing. All are O(log n), amortized.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Counts for what is served from now on. O(tenants).
  virtual void SetShares(const Shares& shares) = 0;
  // Calls a second that rate limits allow the pool, of the size that its calls have on average;
  // infinity: it has no limits. Caps are of it.
  virtual void SetCallRate(double per_second) = 0;

  // Puts an entry in line, not ready, at the place that its class and seq give it.
  virtual void Enqueue(const WaitingEntry& entry, absl::Duration now) = 0;
  // The class of an entry in line rises (the head of a session inherits the highest class waiting
  // behind it) or falls back (that turn was cancelled). Its seq stays.
  virtual void SetClass(EntryId id, chat::v1::TurnClass turn_class) = 0;
  // In line: ready from now on, for a call of so many input tokens, counted, and at most so many
  // output tokens.
  virtual void MarkReady(EntryId id, int64_t input_tokens, int64_t output_tokens) = 0;
  // Takes an entry out, in whatever state it is, and forgets it.
  virtual void Withdraw(EntryId id) = 0;

  // Of about the next `n` entries in line, ready or not, those that no earlier call has named: they
  // should be prepared now. In order. Names an entry once, also when it is requeued. A hint: it
  // neither orders nor charges. While anything is in line, something that was named is.
  virtual std::vector<EntryId> Window(size_t n) = 0;
  // The ready entry that the next permit is for; nothing changes. None when none is ready.
  virtual std::optional<EntryId> Pick(absl::Duration now) const = 0;
  // While something is ready and Pick names nothing: how long until that changes by itself;
  // InfiniteDuration: only a call can change it.
  virtual absl::Duration TimeToPick(absl::Duration now) const = 0;
  // A permit was given to a ready entry: it leaves the line.
  virtual void Start(EntryId id, absl::Duration now) = 0;
  // A started entry gave its permit back unused: it is in line again, not ready, at its old place.
  virtual void Requeue(EntryId id, absl::Duration now) = 0;
  // A started entry has used its permit; forgets it. A count that is absent is taken as expected.
  virtual void Settle(EntryId id, const chat::v1::Usage& actual, absl::Duration now) = 0;

  // Entries in line that start before this one, plus 1, if all cost the same and nothing joins: a
  // count by formula, for people and for the ETA. 0 when it is not in line.
  virtual int64_t Position(EntryId id) const = 0;
  // The position of an entry that joined now, after all those of its user.
  virtual int64_t PositionOfNext(const WaitingEntry& entry) const = 0;
  // Entries in line, and those of them that are ready.
  virtual size_t waiting() const = 0;
  virtual size_t ready() const = 0;
};

}  // namespace penstock::dispatcher
