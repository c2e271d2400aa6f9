// What a provider can do wrong, and what becomes of a turn then.
#pragma once

#include <string>
#include <vector>

#include "penstock/chat/v1/message.pb.h"

namespace penstock::harness {

// Provider.protocol, which is also what the simulator calls its formats.
enum class Format { kOpenAi, kAnthropic };
const char* NameOf(Format format);

struct ProviderFault {
  std::string name;
  // Lines to the simulator (tests/providersim/README.md).
  std::string lines;
  // ERROR_KIND_UNSPECIFIED: the turn succeeds all the same.
  chat::v1::ErrorKind kind;
  // It strikes after some of the answer has come: that is kept, and marked.
  bool partial = false;
};

// Every fault of the reference (connections, statuses, streams, bodies), each before the first text
// and, where it can come later, after the third token.
std::vector<ProviderFault> ProviderFaults(Format format);

}  // namespace penstock::harness
