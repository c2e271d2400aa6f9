#include "services/memory_recall/scripts.h"

#include <algorithm>
#include <iterator>

namespace penstock::memory_recall {
namespace {

struct Range {
  int32_t first;
  int32_t last;
  Script script;
};

// Sorted, without overlap.
constexpr Range kRanges[] = {
    {0x0041, 0x024F, Script::kLatin},       // Basic Latin letters to Latin Extended-B
    {0x0250, 0x02AF, Script::kLatin},       // IPA Extensions
    {0x0370, 0x03FF, Script::kGreek},       // Greek and Coptic
    {0x0400, 0x052F, Script::kCyrillic},    // Cyrillic, Supplement
    {0x0600, 0x06FF, Script::kArabic},      // Arabic
    {0x0750, 0x077F, Script::kArabic},      // Arabic Supplement
    {0x08A0, 0x08FF, Script::kArabic},      // Arabic Extended-A
    {0x0900, 0x097F, Script::kDevanagari},  // Devanagari
    {0x0E00, 0x0EFF, Script::kUnspaced},    // Thai, Lao
    {0x1000, 0x109F, Script::kUnspaced},    // Myanmar
    {0x1100, 0x11FF, Script::kHangul},      // Hangul Jamo
    {0x1780, 0x17FF, Script::kUnspaced},    // Khmer
    {0x1950, 0x19DF, Script::kUnspaced},    // Tai Le, New Tai Lue
    {0x1A20, 0x1AAF, Script::kUnspaced},    // Tai Tham
    {0x1E00, 0x1EFF, Script::kLatin},       // Latin Extended Additional
    {0x1F00, 0x1FFF, Script::kGreek},       // Greek Extended
    {0x2C60, 0x2C7F, Script::kLatin},       // Latin Extended-C
    {0x2DE0, 0x2DFF, Script::kCyrillic},    // Cyrillic Extended-A
    {0x2E80, 0x2FDF, Script::kHan},         // CJK and Kangxi radicals
    {0x3005, 0x3007, Script::kHan},         // iteration mark, zero
    {0x3021, 0x3029, Script::kHan},         // Hangzhou numerals
    {0x3031, 0x3035, Script::kUnspaced},    // kana repeat marks
    {0x3038, 0x303C, Script::kHan},         // Hangzhou numerals, masu
    {0x3041, 0x30FF, Script::kUnspaced},    // Hiragana, Katakana
    {0x3100, 0x312F, Script::kUnspaced},    // Bopomofo
    {0x3130, 0x318F, Script::kHangul},      // Hangul Compatibility Jamo
    {0x31A0, 0x31BF, Script::kUnspaced},    // Bopomofo Extended
    {0x31F0, 0x31FF, Script::kUnspaced},    // Katakana Phonetic Extensions
    {0x3400, 0x4DBF, Script::kHan},         // CJK Extension A
    {0x4E00, 0x9FFF, Script::kHan},         // CJK Unified Ideographs
    {0xA640, 0xA69F, Script::kCyrillic},    // Cyrillic Extended-B
    {0xA720, 0xA7FF, Script::kLatin},       // Latin Extended-D
    {0xA9E0, 0xA9FF, Script::kUnspaced},    // Myanmar Extended-B
    {0xAA60, 0xAADF, Script::kUnspaced},    // Myanmar Extended-A, Tai Viet
    {0xAB30, 0xAB6F, Script::kLatin},       // Latin Extended-E
    {0xAC00, 0xD7FF, Script::kHangul},      // Hangul Syllables, Jamo Extended-B
    {0xF900, 0xFAFF, Script::kHan},         // CJK Compatibility Ideographs
    {0x1AFF0, 0x1B16F, Script::kUnspaced},  // Kana Supplement and Extensions
    {0x20000, 0x3FFFF, Script::kHan},       // CJK Extensions B to H
};

}  // namespace

Script ScriptOf(int32_t code_point) {
  const Range* range =
      std::lower_bound(std::begin(kRanges), std::end(kRanges), code_point,
                       [](const Range& candidate, int32_t c) { return candidate.last < c; });
  if (range == std::end(kRanges) || code_point < range->first) return Script::kOther;
  return range->script;
}

bool IsCutIntoBigrams(Script script) {
  return script == Script::kHan || script == Script::kHangul || script == Script::kUnspaced;
}

const char* StemmerOf(Script script) {
  switch (script) {
    case Script::kLatin:
      return "english";
    case Script::kCyrillic:
      return "russian";
    case Script::kGreek:
      return "greek";
    case Script::kArabic:
      return "arabic";
    case Script::kDevanagari:
      return "hindi";
    case Script::kHan:
    case Script::kHangul:
    case Script::kUnspaced:
    case Script::kOther:
      return nullptr;
  }
  return nullptr;
}

}  // namespace penstock::memory_recall
