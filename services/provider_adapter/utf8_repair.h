// Makes whole characters of what a provider sends as text.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// Some servers cut characters between two events, and a few send bytes that are no UTF-8 at all. A
// character that is cut is held until the rest comes; what can be none becomes U+FFFD.
class Utf8Repair {
 public:
  // The whole characters of what is held and `text`. Points into `text` or into this object, until
  // the next call.
  absl::string_view Take(absl::string_view text);
  // What is held cannot be completed any more: U+FFFD for it, or nothing.
  absl::string_view End();

 private:
  // The beginning of a character.
  std::string held_;
  std::string repaired_;
};

// `text`, with U+FFFD for what is no character.
std::string RepairUtf8(absl::string_view text);

}  // namespace penstock::provider_adapter
