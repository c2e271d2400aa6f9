// The main of every <x>_corpus_test: gives a fuzz target each file of a folder, and beginnings of
// it, in builds without libFuzzer. The last name on standard error is the file that ended the
// process. Exit code 1: the folder has too few files.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kFewestFiles = 10;
// What is cut off is as good as hostile, and costs nothing to write.
constexpr size_t kBeginnings = 64;

// On the heap and no longer than it is, so that a read beyond its end is seen.
void Feed(const std::string& bytes, size_t size) {
  const auto exact = std::make_unique<uint8_t[]>(size);
  std::copy_n(bytes.begin(), size, exact.get());
  LLVMFuzzerTestOneInput(exact.get(), size);
}

void Replay(const std::filesystem::path& path) {
  std::cerr << path.filename().string() << std::endl;
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  Feed(bytes, bytes.size());
  const size_t step = std::max<size_t>(1, bytes.size() / kBeginnings);
  for (size_t size = 0; size < bytes.size(); size += step) Feed(bytes, size);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " FOLDER\n";
    return EXIT_FAILURE;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) Replay(path);
  std::cerr << argv[1] << ": " << paths.size() << " files\n";
  return paths.size() < kFewestFiles ? EXIT_FAILURE : EXIT_SUCCESS;
}
