// JSON of providers: read without allocating for an event of usual size, written by appending.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/value.hpp>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// Parses `text` and shows it to `read`; the value lives during the call. False when `text` is not
// one JSON value. Invalid UTF-8 inside strings is let through (see Utf8Repair).
bool WithJson(absl::string_view text, absl::FunctionRef<void(const boost::json::value&)> read);

// Whether `text` is one JSON object and nothing else.
bool IsJsonObject(absl::string_view text);

// A member of an object; null when `value` is no object or has no such member.
const boost::json::value* Member(const boost::json::value* value, absl::string_view name);

// The text of a string member, "" for anything else.
absl::string_view StringMember(const boost::json::value* value, absl::string_view name);

// An integer member that is at least 0.
std::optional<int64_t> CountMember(const boost::json::value* value, absl::string_view name);

// `text` in quotes, escaped.
void AppendJsonString(std::string& json, absl::string_view text);

// The shortest decimal that reads back as `number`; must be finite.
void AppendJsonNumber(std::string& json, double number);

}  // namespace penstock::provider_adapter
