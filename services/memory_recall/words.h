// Text → the words by which memories are found.
//
// A word is a run of letters and digits (Unicode categories L and N; marks belong to the letter
// before them), brought to NFKC and case-folded, without stop words (stop_words.h), stemmed by
// Snowball when all of it is letters of one script that has a stemmer (scripts.h). Runs of scripts
// without spaces give the bigrams of their characters; a character that stands alone gives itself.
// In a memory each Han and Hangul character is a word too, so that a query of one character finds
// it; in a query it is not, because 的 or 我 alone would match everything.
//
// Bytes that are not UTF-8 separate words. Pure, thread-safe; linear in the text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace penstock::memory_recall {

// Raised when the same text gives other words than before: what is stored of an older version is
// made anew from the text.
inline constexpr int32_t kWordsVersion = 1;

enum class WordsOf { kMemory, kQuery };

// In order of the text, with repetitions.
std::vector<std::string> SplitIntoWords(absl::string_view text, WordsOf kind);

// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). Stored, so it never changes. Words
// stand for their hash everywhere else: one user's 100,000 different words collide with a
// probability of 3e-10.
uint64_t HashOfWord(absl::string_view word);

}  // namespace penstock::memory_recall
