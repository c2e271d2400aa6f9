#include "tests/providersim/answer.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::providersim {
namespace {

using Words = std::vector<std::string>;

// Words that say nothing about what is asked, and those that Penstock's own notes are framed with.
constexpr absl::string_view kStopWords[] = {
    "about",   "again",    "all",          "also",  "am",   "an",    "and",         "answer",
    "any",     "are",      "as",           "ask",   "at",   "be",    "been",        "but",
    "by",      "can",      "conversation", "could", "data", "did",   "do",          "does",
    "earlier", "ever",     "for",          "from",  "had",  "has",   "have",        "he",
    "her",     "him",      "his",          "how",   "if",   "in",    "instruction", "is",
    "it",      "its",      "know",         "like",  "may",  "me",    "memory",      "my",
    "no",      "not",      "note",         "noted", "of",   "on",    "or",          "our",
    "please",  "remember", "said",         "say",   "she",  "so",    "tell",        "than",
    "that",    "the",      "their",        "them",  "then", "there", "they",        "this",
    "to",      "told",     "user",         "was",   "we",   "were",  "what",        "when",
    "where",   "which",    "who",          "whom",  "why",  "will",  "with",        "would",
    "yes",     "you",      "your"};

bool IsStopWord(absl::string_view word) {
  return std::find(std::begin(kStopWords), std::end(kStopWords), word) != std::end(kStopWords);
}

bool IsWordByte(char c) { return absl::ascii_isalnum(c) || static_cast<unsigned char>(c) >= 0x80; }

std::string Singular(std::string word) {
  if (word.size() > 4 && absl::EndsWith(word, "ies")) {
    word.replace(word.size() - 3, 3, "y");
  } else if (word.size() > 2 && absl::EndsWith(word, "s") && !absl::EndsWith(word, "ss")) {
    word.pop_back();
  }
  return word;
}

// Case-folded, singular, without stop words and single letters; each once.
Words SignificantWords(absl::string_view text) {
  Words words;
  size_t at = 0;
  while (at < text.size()) {
    const size_t start = at;
    while (at < text.size() && IsWordByte(text[at])) ++at;
    if (at - start > 1 || (at > start && absl::ascii_isdigit(text[start]))) {
      const std::string folded = absl::AsciiStrToLower(text.substr(start, at - start));
      std::string word = Singular(folded);
      if (!IsStopWord(folded) && !IsStopWord(word) &&
          std::find(words.begin(), words.end(), word) == words.end()) {
        words.push_back(std::move(word));
      }
    }
    if (at == start) ++at;
  }
  return words;
}

// Cuts the first sentence off `text`: to a newline, or to . ! ? before a space or the end.
absl::string_view TakeSentence(absl::string_view& text) {
  size_t end = 0;
  while (end < text.size() && text[end] != '\n') {
    const bool stop = text[end] == '.' || text[end] == '!' || text[end] == '?';
    ++end;
    if (stop && (end == text.size() || absl::ascii_isspace(text[end]))) break;
  }
  const absl::string_view sentence = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end < text.size() && text[end] == '\n' ? end + 1 : end));
  return absl::StripAsciiWhitespace(sentence);
}

// Drops what notes put before a sentence: bullets, <tags>, [dates], "User:", "You told me:".
absl::string_view WithoutLead(absl::string_view sentence) {
  for (;;) {
    const absl::string_view before = sentence;
    while (!sentence.empty() && (absl::StrContains("-*>\"' \t", sentence.substr(0, 1)))) {
      sentence.remove_prefix(1);
    }
    for (auto [open, close] : {std::pair('<', '>'), std::pair('[', ']'), std::pair('(', ')')}) {
      const size_t end = sentence.find(close);
      if (!sentence.empty() && sentence[0] == open && end != absl::string_view::npos) {
        sentence.remove_prefix(end + 1);
      }
    }
    for (absl::string_view role : {"user:", "assistant:", "system:", "you told me:", "noted."}) {
      if (absl::StartsWithIgnoreCase(sentence, role)) sentence.remove_prefix(role.size());
    }
    if (sentence == before) return sentence;
  }
}

absl::string_view WithoutTail(absl::string_view sentence) {
  while (absl::EndsWith(sentence, ">") && sentence.rfind('<') != absl::string_view::npos) {
    sentence = absl::StripAsciiWhitespace(sentence.substr(0, sentence.rfind('<')));
  }
  return absl::StripSuffix(sentence, "\"");
}

bool SpeaksOfNotes(absl::string_view text) {
  const std::string head = absl::AsciiStrToLower(text.substr(0, 200));
  return absl::StrContains(head, "note") || absl::StrContains(head, "memor");
}

// From the first <note> on: what stands before is Penstock's, not the user's.
absl::string_view NotesWithoutFrame(absl::string_view notes) {
  const size_t first = std::min(notes.find("<note "), notes.find("<note>"));
  return first == absl::string_view::npos ? notes : notes.substr(first);
}

std::string Unescaped(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}});
}

// Finds the sentence that shares most words with a question.
class BestSentence {
 public:
  explicit BestSentence(Words asked) : asked_(std::move(asked)) {}

  // Later texts win over earlier ones of the same score.
  void Read(absl::string_view text) {
    size_t best_here = 0;
    while (!text.empty()) {
      const absl::string_view sentence = WithoutTail(WithoutLead(TakeSentence(text)));
      if (absl::EndsWith(sentence, "?") || absl::StartsWith(sentence, "/sim")) continue;
      const size_t score = Score(sentence);
      if (score > best_here && score >= best_score_) {
        best_ = std::string(sentence);
        best_score_ = score;
        best_here = score;
      }
    }
  }

  const std::string& best() const { return best_; }

 private:
  size_t Score(absl::string_view sentence) const {
    size_t score = 0;
    for (const std::string& word : SignificantWords(sentence)) {
      score += std::find(asked_.begin(), asked_.end(), word) != asked_.end() ? 1 : 0;
    }
    return score;
  }

  const Words asked_;
  std::string best_;
  size_t best_score_ = 0;
};

std::string Questions(absl::string_view said) {
  std::string questions;
  while (!said.empty()) {
    const absl::string_view sentence = TakeSentence(said);
    if (absl::StrContains(sentence, "?")) absl::StrAppend(&questions, sentence, "\n");
  }
  return questions;
}

std::string Note(absl::string_view said) {
  std::vector<absl::string_view> words =
      absl::StrSplit(said, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  std::string answer = "Noted.";
  for (size_t i = 0; i < words.size() && i < 8; ++i) absl::StrAppend(&answer, " ", words[i]);
  if (words.size() > 8) answer += " ...";
  return answer;
}

}  // namespace

std::string AnswerFromContext(const Prompt& request, absl::string_view notes,
                              absl::string_view said) {
  if (!absl::StrContains(said, "?")) return Note(said);
  BestSentence best(SignificantWords(Questions(said)));
  const PromptMessage* newest = request.NewestUserMessage();
  for (const PromptMessage& message : request.messages) {
    if (&message == newest) break;
    const bool instructions = message.role == "system" || message.role == "developer";
    for (absl::string_view part : message.parts) {
      if (!instructions || SpeaksOfNotes(part)) best.Read(part);
    }
  }
  best.Read(NotesWithoutFrame(notes));
  if (best.best().empty()) return "I do not know.";
  return absl::StrCat("You told me: ", Unescaped(best.best()));
}

}  // namespace penstock::providersim
