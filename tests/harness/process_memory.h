// How much memory a process holds, as the kernel says.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace penstock::harness {

// In bytes; 0 when there is no such process.
int64_t ResidentMemory(pid_t pid);
// The most it ever held.
int64_t PeakResidentMemory(pid_t pid);

}  // namespace penstock::harness
