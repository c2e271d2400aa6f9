#include "tests/harness/heavy_test.h"

#include <cstdlib>
#include <fstream>

#include <boost/json/serialize.hpp>

#include "absl/strings/string_view.h"

namespace penstock::harness {

bool IsFullSize() {
  const char* scale = std::getenv("PENSTOCK_SCALE");
  return scale != nullptr && absl::string_view(scale) == "full";
}

void AddFigures(const boost::json::object& figures) {
  static auto& all = *new boost::json::object();
  for (const auto& [name, value] : figures) all[name] = value;
  const char* file = std::getenv("PENSTOCK_FIGURES");
  if (file != nullptr) std::ofstream(file) << boost::json::serialize(all) << "\n";
}

}  // namespace penstock::harness
