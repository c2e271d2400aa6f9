#include "libs/base/ids.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "libs/base/refusal.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock {
namespace {

bool IsIdCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '~' ||
         c == '-';
}

// What a message may repeat of a caller's bytes: printable and short.
std::string Shown(absl::string_view text) {
  std::string shown = absl::CHexEscape(text.substr(0, 80));
  if (text.size() > 80) absl::StrAppend(&shown, "… (", text.size(), " bytes)");
  return absl::StrCat("\"", shown, "\"");
}

absl::StatusOr<std::string> ParseName(absl::string_view name, absl::string_view field,
                                      absl::string_view collection, absl::string_view pattern) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() != 2 || parts[0] != collection || !IsValidId(parts[1])) {
    return FieldInvalid(field, Shown(name), pattern);
  }
  return std::string(parts[1]);
}

}  // namespace

std::string NewId(absl::Time now, Random& random) {
  const std::array<uint64_t, 2> bits = {random.Next(), random.Next()};
  auto bytes = std::bit_cast<std::array<uint8_t, 16>>(bits);
  const auto ms = static_cast<uint64_t>(absl::ToUnixMillis(now));
  for (size_t i = 0; i < 6; ++i) bytes[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x70);  // version 7
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);  // variant of RFC 9562
  const std::string hex =
      absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes.data()), 16));
  const absl::string_view h = hex;
  return absl::StrCat(h.substr(0, 8), "-", h.substr(8, 4), "-", h.substr(12, 4), "-",
                      h.substr(16, 4), "-", h.substr(20));
}

bool IsValidId(absl::string_view id) {
  return !id.empty() && id.size() <= 64 && id != "." && id != ".." && id != "-" &&
         std::all_of(id.begin(), id.end(), IsIdCharacter);
}

std::string SessionName(absl::string_view session_id) {
  return absl::StrCat("sessions/", session_id);
}

std::string TurnName(absl::string_view session_id, absl::string_view turn_id) {
  return absl::StrCat("sessions/", session_id, "/turns/", turn_id);
}

std::string MemoryName(absl::string_view memory_id) { return absl::StrCat("memories/", memory_id); }

absl::StatusOr<std::string> ParseSessionName(absl::string_view name, absl::string_view field) {
  return ParseName(name, field, "sessions", "sessions/{session}, id [A-Za-z0-9._~-]{1,64}");
}

absl::StatusOr<std::string> ParseMemoryName(absl::string_view name, absl::string_view field) {
  return ParseName(name, field, "memories", "memories/{memory}, id [A-Za-z0-9._~-]{1,64}");
}

absl::StatusOr<std::string> ParseAgentName(absl::string_view name, absl::string_view field) {
  return ParseName(name, field, "agents", "agents/{agent}, id [A-Za-z0-9._~-]{1,64}");
}

absl::StatusOr<TurnIds> ParseTurnName(absl::string_view name, absl::string_view field) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() != 4 || parts[0] != "sessions" || parts[2] != "turns" || !IsValidId(parts[1]) ||
      !IsValidId(parts[3])) {
    return FieldInvalid(field, Shown(name),
                        "sessions/{session}/turns/{turn}, ids [A-Za-z0-9._~-]{1,64}");
  }
  return TurnIds{std::string(parts[1]), std::string(parts[3])};
}

}  // namespace penstock
