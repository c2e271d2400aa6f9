// Tokens of what a provider is sent, counted without a tokenizer. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include <google/protobuf/repeated_field.h>

#include "penstock/chat/v1/message.pb.h"

namespace penstock {

// Of an image, whatever its size. Providers count about width · height / 750 and scale larger ones
// down first, so that none takes more than about this (Anthropic, "Vision", and OpenAI, "Images and
// vision", as of November 2026). Nobody here decodes images, and a URL says nothing of its size.
inline constexpr int64_t kImageTokens = 1600;

// UTF-8 bytes / 4 × 1.2, rounded up.
int64_t RawTokens(size_t utf8_bytes);

// Adds up parts and rounds once. Text, refusals, calls, results, and what a provider wants back
// (Opaque.data, Reasoning.state) count their bytes; an image kImageTokens; reasoning without state
// nothing: it is not sent back.
class PartTokens {
 public:
  void Add(const chat::v1::Part& part);
  int64_t count() const { return RawTokens(bytes_) + images_ * kImageTokens; }

 private:
  size_t bytes_ = 0;
  int64_t images_ = 0;
};

int64_t RawTokens(const google::protobuf::RepeatedPtrField<chat::v1::Part>& parts);

}  // namespace penstock
