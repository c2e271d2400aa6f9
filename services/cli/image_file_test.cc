#include "services/cli/image_file.h"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/command_line.h"
#include "services/cli/turn_text.h"

namespace penstock::cli {
namespace {

using testing::HasSubstr;

const std::string kPng = std::string("\x89PNG\r\n\x1a\n", 8) + "rest";

std::string FileWith(const std::string& bytes) {
  const std::string path = testing::TempDir() + "penstock-image-file-test";
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  return path;
}

TEST(ImageFile, IsReadWhole) {
  const auto image = ReadImage(FileWith(kPng));

  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->media_type(), "image/png");
  EXPECT_EQ(image->data(), kPng);
}

TEST(ImageFile, MayBeAsLargeAsARequestAndNoLarger) {
  const std::string largest = kPng + std::string((1 << 20) - kPng.size(), 'x');
  EXPECT_TRUE(ReadImage(FileWith(largest)).ok());

  EXPECT_THAT(std::string(ReadImage(FileWith(largest + "x")).status().message()),
              HasSubstr("more than 1 MiB"));
}

TEST(ImageFile, SaysWhatIsWrongWithIt) {
  EXPECT_THAT(std::string(ReadImage("/nowhere/boat.png").status().message()),
              HasSubstr("--image: cannot read /nowhere/boat.png"));
  EXPECT_THAT(std::string(ReadImage(testing::TempDir()).status().message()), HasSubstr("--image:"));
  EXPECT_THAT(std::string(ReadImage(FileWith("text")).status().message()),
              HasSubstr("expected a file of type image/png"));
}

TEST(ImageFile, IsShownByTypeAndSizeOrByItsUrl) {
  chat::v1::Image image;
  image.set_media_type("image/png");
  image.set_data(std::string(12'345, 'x'));
  EXPECT_EQ(ImageText(image), "[image image/png 12 KB]");
  image.set_data("x");
  EXPECT_EQ(ImageText(image), "[image image/png 1 B]");

  image.set_url("https://a.example/boat.png\x1b[2J");
  EXPECT_EQ(ImageText(image), "[image https://a.example/boat.png?[2J]");
}

TEST(ImageFile, StandsInItsPlaceInWhatTheUserSaid) {
  chat::v1::Turn turn;
  turn.add_input()->mutable_text()->set_text("What is it?");
  turn.add_input()->mutable_image()->set_media_type("image/gif");
  turn.mutable_input(1)->mutable_image()->set_data("GIF89a");
  turn.add_input();

  EXPECT_EQ(InputOf(turn), "What is it?\n[image image/gif 6 B]");
}

}  // namespace
}  // namespace penstock::cli
