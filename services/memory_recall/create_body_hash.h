// Tells whether two CreateMemory calls with one request_id ask for the same.
#pragma once

#include <string>

#include "penstock/chat/v1/memory.pb.h"

namespace penstock::memory_recall {

// SHA-256 over what the caller may set: text, labels in any order, expire_time.
std::string CreateBodyHash(const chat::v1::Memory& memory);

}  // namespace penstock::memory_recall
