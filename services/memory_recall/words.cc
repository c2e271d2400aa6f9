#include "services/memory_recall/words.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <libstemmer.h>
#include <utf8proc.h>

#include "services/memory_recall/scripts.h"
#include "services/memory_recall/stop_words.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

struct FreeStemmer {
  void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};

// Snowball stemmers keep state, so each call of SplitIntoWords has its own; making one is cheap.
class Stemmers {
 public:
  std::string Stem(Script script, std::string word) {
    const char* name = StemmerOf(script);
    if (name == nullptr) return word;
    auto& stemmer = stemmers_[script];
    if (stemmer == nullptr) stemmer.reset(sb_stemmer_new(name, "UTF_8"));
    if (stemmer == nullptr) return word;
    const auto* stem =
        sb_stemmer_stem(stemmer.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                        static_cast<int>(word.size()));
    if (stem == nullptr || sb_stemmer_length(stemmer.get()) == 0) return word;
    return {reinterpret_cast<const char*>(stem),
            static_cast<size_t>(sb_stemmer_length(stemmer.get()))};
  }

 private:
  std::map<Script, std::unique_ptr<sb_stemmer, FreeStemmer>> stemmers_;
};

// Cuts one text; fed with the characters of its normal form.
class Segmenter {
 public:
  explicit Segmenter(WordsOf kind) : kind_(kind) {}

  void Letter(int32_t code_point, absl::string_view character) {
    const Script script = ScriptOf(code_point);
    if (IsCutIntoBigrams(script)) {
      EndWord(false);
      run_.push_back({script, std::string(character)});
      return;
    }
    EndRun();
    AppendToWord(script, character);
  }

  void Digit(absl::string_view character) {
    EndRun();
    AppendToWord(std::nullopt, character);
  }

  // Marks without a letter before them are dropped.
  void Mark(absl::string_view character) {
    if (!run_.empty()) {
      absl::StrAppend(&run_.back().text, character);
    } else if (!word_.empty()) {
      absl::StrAppend(&word_, character);
    }
  }

  void Boundary(bool apostrophe) {
    EndRun();
    EndWord(apostrophe);
    after_apostrophe_ = apostrophe;
  }

  std::vector<std::string> Finish() && {
    Boundary(false);
    return std::move(words_);
  }

 private:
  struct Character {
    Script script;
    std::string text;
  };

  void AppendToWord(std::optional<Script> script, absl::string_view character) {
    if (word_.empty()) {
      word_script_ = script;
    } else if (word_script_ != script) {
      word_script_ = std::nullopt;
    }
    absl::StrAppend(&word_, character);
  }

  void EndWord(bool before_apostrophe) {
    if (word_.empty()) return;
    const bool dropped = IsStopWord(word_) ||
                         (std::exchange(after_apostrophe_, false) && IsContractionSuffix(word_)) ||
                         (before_apostrophe && IsElision(word_));
    if (!dropped) {
      words_.push_back(word_script_ ? stemmers_.Stem(*word_script_, std::move(word_))
                                    : std::move(word_));
    }
    word_.clear();
  }

  void EndRun() {
    if (run_.empty()) return;
    after_apostrophe_ = false;
    if (run_.size() == 1) {
      words_.push_back(std::move(run_[0].text));
      run_.clear();
      return;
    }
    for (size_t i = 0; i < run_.size(); ++i) {
      if (i > 0) words_.push_back(run_[i - 1].text + run_[i].text);
      if (kind_ == WordsOf::kMemory && run_[i].script != Script::kUnspaced) {
        words_.push_back(run_[i].text);
      }
    }
    run_.clear();
  }

  const WordsOf kind_;
  Stemmers stemmers_;
  std::string word_;
  // Of all letters of word_; absent when it has digits or letters of several scripts.
  std::optional<Script> word_script_;
  bool after_apostrophe_ = false;
  std::vector<Character> run_;
  std::vector<std::string> words_;
};

bool IsApostrophe(int32_t code_point) { return code_point == '\'' || code_point == 0x2019; }

void Feed(Segmenter& segmenter, int32_t code_point, absl::string_view character) {
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return segmenter.Letter(code_point, character);
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return segmenter.Digit(character);
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return segmenter.Mark(character);
    default:
      return segmenter.Boundary(IsApostrophe(code_point));
  }
}

// Reads the character at the start of `text`: its code point, or a negative number for one byte
// that is no UTF-8.
std::pair<int32_t, size_t> NextCharacter(absl::string_view text) {
  int32_t code_point = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  if (length <= 0) return {-1, 1};
  return {code_point, static_cast<size_t>(length)};
}

std::string WithoutInvalidBytes(absl::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const auto [code_point, length] = NextCharacter(text);
    if (code_point < 0) {
      valid.push_back(' ');
    } else {
      absl::StrAppend(&valid, text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return valid;
}

bool IsAscii(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isascii(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// NFKC_Casefold of Unicode (UAX #44). Empty when there is no memory for it.
std::string Fold(absl::string_view text) {
  const std::string valid = WithoutInvalidBytes(text);
  utf8proc_uint8_t* folded = nullptr;
  const auto length = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
      static_cast<utf8proc_ssize_t>(valid.size()), &folded,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                     UTF8PROC_CASEFOLD | UTF8PROC_IGNORE));
  if (length < 0) return "";
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(folded, &std::free);
  return {reinterpret_cast<const char*>(folded), static_cast<size_t>(length)};
}

}  // namespace

std::vector<std::string> SplitIntoWords(absl::string_view text, WordsOf kind) {
  // Case-folding ASCII is lower-casing it: the same result without a copy through utf8proc.
  const std::string folded = IsAscii(text) ? absl::AsciiStrToLower(text) : Fold(text);
  Segmenter segmenter(kind);
  for (absl::string_view rest = folded; !rest.empty();) {
    const auto [code_point, length] = NextCharacter(rest);
    Feed(segmenter, code_point, rest.substr(0, length));
    rest.remove_prefix(length);
  }
  return std::move(segmenter).Finish();
}

uint64_t HashOfWord(absl::string_view word) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : word) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

}  // namespace penstock::memory_recall
