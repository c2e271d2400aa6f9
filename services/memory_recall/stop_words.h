// Words that say nothing about what a text is about.
//
// BM25 learns from a large collection that "my" and "what" are worth little. One user's memories
// are a small one: of three memories, one with "my" in it makes "my" look rare and telling, and
// every question with "what is my …" would fill its 15 places with whatever else says "my". So the
// function words of English, German, French and Spanish are left out, except those that mean
// something in another of these languages ("die", "war", "hat", "main", "son").
#pragma once

#include "absl/strings/string_view.h"

namespace penstock::memory_recall {

// `word` is case-folded and not stemmed ("ß" is "ss").
bool IsStopWord(absl::string_view word);

// What English hangs on a word with an apostrophe: s, t, d, m, ll, re, ve.
bool IsContractionSuffix(absl::string_view word);

// What French puts before a word with an apostrophe: l, d, j, m, t, s, c, n, qu.
bool IsElision(absl::string_view word);

}  // namespace penstock::memory_recall
