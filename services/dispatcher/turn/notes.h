// How recalled memories stand in a request: as notes, marked as data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "penstock/chat/v1/memory.pb.h"

#include "absl/types/span.h"

namespace penstock::dispatcher {

struct Notes {
  // Empty when no memory fits.
  std::string text;
  // Names of the memories in it.
  std::vector<std::string> memories;
};

// As many memories as fit `max_bytes` with all that surrounds them; one too long for the rest of
// the room is left out for the next. &, < and > in them are escaped, so that no memory can end its
// note or the notes.
Notes WriteNotes(absl::Span<const chat::v1::Memory* const> memories, int64_t max_bytes);

}  // namespace penstock::dispatcher
