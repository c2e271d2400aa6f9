#include "services/memory_recall/stop_words.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_split.h"

namespace penstock::memory_recall {
namespace {

using WordSet = absl::flat_hash_set<absl::string_view>;

constexpr absl::string_view kEnglish =
    "a about am an and are aren as at be been but by can could couldn did didn do does doesn "
    "doing don for from had hadn has hasn have haven having he her hers him his how i if in "
    "into is isn it its just let me my of on or our ours please she should shouldn so some "
    "than that the their them then there these they this those to too us very was wasn we were "
    "weren what when where which who whom whose why will with won would wouldn you your yours";

constexpr absl::string_view kGerman =
    "aber als auch auf aus bei bist bitte da das dass dem den der des dein deine du ein eine "
    "einem einen einer er es habe haben hatte ich ihr ihre im ist kann mein meine meinem "
    "meinen meiner mich mir mit nach nicht noch oder sein seine sich sie sind und uns unser "
    "unsere unseren vom von wann warum welche welcher welches wer wie wir wo zu zum zur über";

constexpr absl::string_view kFrench =
    "ai au aux avec ce ces cette dans de du elle en est et eu il ils je la le les leur ma mes "
    "moi mon ne nos notre nous où par pas qu que quel quelle quels qui sa se ses sont suis sur "
    "ta tes tu un une vos votre vous à";

constexpr absl::string_view kSpanish =
    "como con cuál cuándo cómo del donde dónde el ella es esta este está ha la las lo los mi "
    "mis muy no nos o para pero por qué quién se soy su sus te tiene tu tus una y ya yo";

const WordSet& StopWords() {
  static const auto* words = [] {
    auto* all = new WordSet;
    for (const absl::string_view language : {kEnglish, kGerman, kFrench, kSpanish}) {
      for (const absl::string_view word : absl::StrSplit(language, ' ')) all->insert(word);
    }
    return all;
  }();
  return *words;
}

}  // namespace

bool IsStopWord(absl::string_view word) { return StopWords().contains(word); }

bool IsContractionSuffix(absl::string_view word) {
  static const auto* suffixes = new WordSet{"s", "t", "d", "m", "ll", "re", "ve"};
  return suffixes->contains(word);
}

bool IsElision(absl::string_view word) {
  static const auto* elisions = new WordSet{"l", "d", "j", "m", "t", "s", "c", "n", "qu"};
  return elisions->contains(word);
}

}  // namespace penstock::memory_recall
