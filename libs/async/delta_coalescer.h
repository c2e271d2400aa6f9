// Joins the small pieces of a streamed answer into fewer, larger ones: tokens, not calls, are what
// streaming costs (reference/style.md 3.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock {

// The longest beginning of `text` (UTF-8) that has at most `limit` bytes and cuts no character.
size_t WholeCharacters(absl::string_view text, size_t limit);

// Text of one part of an answer.
struct DeltaPiece {
  int32_t part = 0;
  int32_t kind = 0;
  std::string text;
};

// A pure state machine; the caller gives the (monotonic) time. The first text is due at once, later
// text `interval` after the piece before it was taken, or as soon as `bytes` are held. A change of
// part or kind, and the end, make everything held due at once. Text that waits to be taken is
// joined, so a slow reader gets fewer and larger pieces, none above `max_piece_bytes`. Whole
// characters in, whole characters out. Not thread-safe.
class DeltaCoalescer {
 public:
  struct Options {
    absl::Duration interval = absl::Milliseconds(25);
    size_t bytes = 256;
    // At least 4, the longest character.
    size_t max_piece_bytes = 64 * 1024;
  };

  explicit DeltaCoalescer(Options options) : options_(options) {}

  // `text` is valid UTF-8.
  void Add(int32_t part, int32_t kind, absl::string_view text);
  // What is held is due at once.
  void Flush() { flushed_ = !held_.empty(); }
  // Nothing is added any more.
  void End() { ended_ = true; }

  // When something is due: not later than `now` means now, infinite means never as things stand.
  absl::Duration NextDue() const;
  // All that is held, oldest first, when NextDue is not later than `now`; otherwise nothing.
  std::vector<DeltaPiece> TakeDue(absl::Duration now);

 private:
  const Options options_;
  bool ended_ = false;
  bool flushed_ = false;
  // When the last pieces were taken; text after them waits.
  absl::Duration taken_ = -absl::InfiniteDuration();
  size_t held_bytes_ = 0;
  std::vector<DeltaPiece> held_;
};

}  // namespace penstock
