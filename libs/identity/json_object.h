// The members of one JSON object, as far as a JWT's header and claims need them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace penstock::identity {

struct JsonMember {
  enum class Kind {
    kString,   // text
    kNumber,   // number; may be infinite
    kStrings,  // strings: an array of strings and nothing else
    kOther,
  };

  std::string name;
  Kind kind = Kind::kOther;
  std::string text = {};
  double number = 0;
  std::vector<std::string> strings = {};
};

class JsonObject {
 public:
  // nullopt unless `text` is exactly one JSON object (RFC 8259, UTF-8) in which no object, at any
  // depth, has two members of the same name: parsers disagree about which of two counts.
  static std::optional<JsonObject> Parse(absl::string_view text);

  // nullptr when there is none. Valid as long as this object.
  const JsonMember* Find(absl::string_view name) const;

 private:
  explicit JsonObject(std::vector<JsonMember> members) : members_(std::move(members)) {}

  std::vector<JsonMember> members_;
};

}  // namespace penstock::identity
