// A memory → what ranking needs of it.
#pragma once

#include <string>

#include "penstock/memory/v1/record.pb.h"
#include "services/memory_recall/user_block.h"

#include "absl/strings/string_view.h"

namespace penstock::memory_recall {

// Counts the words of text and answer; without an embedding. Pure; linear in the text.
memory::v1::RankingRecord RankingRecordOf(const memory::v1::MemoryRecord& record);

// False: of another words version, or damaged; make it again.
bool IsCurrent(const memory::v1::RankingRecord& record);

// `record` must be current.
MemoryFeatures FeaturesOf(std::string id, const memory::v1::RankingRecord& record);

}  // namespace penstock::memory_recall
