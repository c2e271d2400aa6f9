#include "libs/identity/json_object.h"

#include <algorithm>
#include <cstdint>

#include <boost/json/basic_parser_impl.hpp>

namespace penstock::identity {
namespace {

using boost::json::error_code;

// The names in the objects that are open, to find those that stand there twice.
class OpenNames {
 public:
  void OpenObject() { starts_.push_back(names_.size()); }
  void Add(std::string name) { names_.push_back(std::move(name)); }
  // Whether the names of the innermost object differ; then forgets them.
  bool CloseObject() {
    const auto begin = names_.begin() + static_cast<std::ptrdiff_t>(starts_.back());
    std::sort(begin, names_.end());
    const bool unique = std::adjacent_find(begin, names_.end()) == names_.end();
    names_.erase(begin, names_.end());
    starts_.pop_back();
    return unique;
  }

 private:
  std::vector<std::string> names_;
  std::vector<size_t> starts_;
};

// Boost.JSON's events; its own value type silently keeps the last of two members. False stops.
class Handler {
 public:
  using Text = boost::json::string_view;

  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;

  std::vector<JsonMember> members;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) {
    SetOther();
    names_.OpenObject();
    ++depth_;
    return true;
  }
  bool on_object_end(size_t, error_code& error) {
    --depth_;
    return names_.CloseObject() || Fail(error);
  }
  bool on_array_begin(error_code& error) {
    if (depth_ == 0) return Fail(error);
    if (depth_ == 1) {
      members.back().kind = JsonMember::Kind::kStrings;
    } else {
      SetOther();
    }
    ++depth_;
    return true;
  }
  bool on_array_end(size_t, error_code&) {
    --depth_;
    return true;
  }

  bool on_key_part(Text part, size_t, error_code&) { return Append(part); }
  bool on_key(Text part, size_t, error_code&) {
    Append(part);
    if (depth_ == 1) members.push_back({.name = text_});
    names_.Add(std::move(text_));
    text_.clear();
    return true;
  }
  bool on_string_part(Text part, size_t, error_code&) { return Append(part); }
  bool on_string(Text part, size_t, error_code& error) {
    Append(part);
    if (depth_ == 0) return Fail(error);
    if (depth_ == 1) {
      members.back().kind = JsonMember::Kind::kString;
      members.back().text = std::move(text_);
    } else if (depth_ == 2 && members.back().kind == JsonMember::Kind::kStrings) {
      members.back().strings.push_back(std::move(text_));
    }
    text_.clear();
    return true;
  }

  bool on_number_part(Text, error_code&) { return true; }
  bool on_int64(int64_t number, Text, error_code& error) {
    return SetNumber(static_cast<double>(number), error);
  }
  bool on_uint64(uint64_t number, Text, error_code& error) {
    return SetNumber(static_cast<double>(number), error);
  }
  bool on_double(double number, Text, error_code& error) { return SetNumber(number, error); }
  bool on_bool(bool, error_code& error) { return SetScalar(error); }
  bool on_null(error_code& error) { return SetScalar(error); }
  bool on_comment_part(Text, error_code& error) { return Fail(error); }
  bool on_comment(Text, error_code& error) { return Fail(error); }

 private:
  static bool Fail(error_code& error) {
    error = boost::json::error::syntax;
    return false;
  }
  bool Append(Text part) {
    text_.append(part.data(), part.size());
    return true;
  }
  // The value is, or has in it, what a claim cannot be.
  void SetOther() {
    if (depth_ > 0) members.back().kind = JsonMember::Kind::kOther;
  }
  bool SetScalar(error_code& error) {
    SetOther();
    return depth_ > 0 || Fail(error);
  }
  bool SetNumber(double number, error_code& error) {
    if (depth_ != 1) return SetScalar(error);
    members.back().kind = JsonMember::Kind::kNumber;
    members.back().number = number;
    return true;
  }

  OpenNames names_;
  // Of a key or string that comes in parts.
  std::string text_;
  // Open objects and arrays.
  int depth_ = 0;
};

}  // namespace

std::optional<JsonObject> JsonObject::Parse(absl::string_view text) {
  boost::json::basic_parser<Handler> parser{boost::json::parse_options()};
  error_code error;
  const size_t parsed = parser.write_some(false, text.data(), text.size(), error);
  if (error || parsed != text.size()) return std::nullopt;
  return JsonObject(std::move(parser.handler().members));
}

const JsonMember* JsonObject::Find(absl::string_view name) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [name](const JsonMember& member) { return member.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

}  // namespace penstock::identity
