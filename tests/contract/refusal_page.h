// The page of refusals, REFUSALS.md.
#pragma once

#include <string>

#include "tests/contract/refusal_table.h"

namespace penstock::contract {

// The whole page, in Markdown: reasons, what a turn ends with, and every row by its RPCs.
std::string RefusalPage(const RefusalTable& table);

}  // namespace penstock::contract
