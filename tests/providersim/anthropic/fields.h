// The fields of one JSON object, refused in the words of Anthropic's API: "messages.0.role: Field
// required".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "tests/providersim/api_error.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::anthropic {

using Names = std::initializer_list<absl::string_view>;

// Borrows the object. What Maybe... reads may be absent or null: then `out` stays as it is.
class Fields {
 public:
  // `path` names the object in errors; empty: the request.
  Fields(const boost::json::object& object, std::string path)
      : object_(object), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  // "messages.0.role"
  std::string PathOf(absl::string_view name) const;
  // Null when it is absent or null.
  const boost::json::value* Find(absl::string_view name) const;

  // There is no other field than these.
  Refused CheckNames(Names known) const;
  // One of these.
  Refused CheckAmong(absl::string_view name, absl::string_view found, Names allowed) const;

  Refused Text(absl::string_view name, absl::string_view& out) const;
  Refused Object(absl::string_view name, const boost::json::object*& out) const;
  Refused Array(absl::string_view name, const boost::json::array*& out) const;

  Refused MaybeText(absl::string_view name, absl::string_view& out) const;
  Refused MaybeFlag(absl::string_view name, bool& out) const;
  Refused MaybeInteger(absl::string_view name, int64_t low, std::optional<int64_t>& out) const;
  Refused MaybeNumber(absl::string_view name, double low, double high) const;
  Refused MaybeObject(absl::string_view name, const boost::json::object*& out) const;

 private:
  Refused Missing(absl::string_view name) const;
  Refused Wrong(absl::string_view name, absl::string_view expected) const;

  const boost::json::object& object_;
  const std::string path_;
};

}  // namespace penstock::providersim::anthropic
