// Which script a character is written in, as far as words depend on it. Pure.
#pragma once

#include <cstdint>

namespace penstock::memory_recall {

enum class Script {
  kLatin,
  kCyrillic,
  kGreek,
  kArabic,
  kDevanagari,
  // Written without spaces between words, and one character is often a whole word.
  kHan,
  // Written with spaces, but particles are attached to the nouns, and Snowball has no stemmer for
  // it: cut into bigrams like Han (as Lucene's CJKBigramFilter does).
  kHangul,
  // Kana, Thai, Lao, Khmer, Myanmar and their kin: no spaces between words.
  kUnspaced,
  kOther,
};

// By the blocks of Unicode 14 (https://www.unicode.org/Public/14.0.0/ucd/Blocks.txt).
Script ScriptOf(int32_t code_point);

// Words of this script are found by bigrams of characters.
bool IsCutIntoBigrams(Script script);

// The name of the Snowball stemmer for words of this script, or null. A script stands for its most
// used language: Latin is stemmed as English.
const char* StemmerOf(Script script);

}  // namespace penstock::memory_recall
