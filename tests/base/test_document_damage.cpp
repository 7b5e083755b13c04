// Damaged files: whatever the bytes, the answer is a tree, mistakes or an InputError, in bounded
// time.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "base/document.h"
#include "base/error.h"

namespace emosweep {
namespace {

const std::string whole =
    "# comment\n"
    "template: &template\n"
    "  dataset: ravdess_av\n"
    "  where: {intensity: [1, 2]}\n"
    "  name: \"quoted \\u00e9 \\\"x\\\"\"\n"
    "  single: 'it''s'\n"
    "  block: |\n    two\n    lines\n"
    "  folded: >-\n    a\n    b\n"
    "  tagged: !!str 5\n"
    "other: &other\n"
    "  ? key\n"
    "  : value\n"
    "  empty:\n"
    "experiments:\n"
    "  - <<: *template\n"
    "    grid: {lr: [1.0e-3, 3.0e-4], dropout: [.3, *other]}\n"
    "  - <<: [*template, *other]\n"
    "    name: \xC3\xBC\n"
    "  - - nested\n"
    "    - ~\n";

void read(const std::string& text) {
  Mistakes mistakes;
  try {
    const Node node = parse_document(text, "f.yaml", mistakes);
    if (mistakes.empty()) write_document(node);
  } catch (const InputError& error) {
    EXPECT_TRUE(std::string_view(error.what()).starts_with("f.yaml")) << error.what();
  }
}

// EMOSWEEP_FUZZ_ROUNDS asks for more than the seconds of a unit test.
int rounds() {
  const char* asked = std::getenv("EMOSWEEP_FUZZ_ROUNDS");
  return asked == nullptr ? 2000 : std::atoi(asked);
}

TEST(DamagedDocument, EveryTruncation) {
  Mistakes mistakes;
  parse_document(whole, "f.yaml", mistakes);
  EXPECT_TRUE(mistakes.empty()) << testing::PrintToString(mistakes.lines());
  for (std::size_t size = 0; size <= whole.size(); ++size) read(whole.substr(0, size));
}

TEST(DamagedDocument, FlippedBytes) {
  std::mt19937 random(4);
  for (int i = 0; i < rounds(); ++i) {
    std::string text = whole;
    for (auto n = 1 + random() % 4; n > 0; --n) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    read(text);
  }
}

TEST(DamagedDocument, SwappedDoubledAndDroppedPieces) {
  std::mt19937 random(5);
  const std::string marks = "\n \n- :?,[]{}&*!|>'\"%@`#~<\n  \n";
  for (int i = 0; i < rounds(); ++i) {
    std::string text = whole;
    for (auto n = 1 + random() % 6; n > 0 && !text.empty(); --n) {
      const std::size_t from = random() % text.size(), to = random() % text.size();
      const std::string piece = text.substr(from, random() % 12);
      if (random() % 3 == 0) {
        text.erase(from, random() % 12);
      } else if (random() % 2 == 0) {
        text.insert(to, piece);
      } else {
        text.insert(to, 1, marks[random() % marks.size()]);
      }
    }
    read(text);
  }
}

TEST(DamagedDocument, OnlyPunctuation) {
  std::mt19937 random(6);
  const std::string marks = "\n  - :?,[]{}&*!|>'\"%@`#~<a1\n";
  for (int i = 0; i < rounds(); ++i) {
    std::string text;
    for (auto n = random() % 40; n > 0; --n) text += marks[random() % marks.size()];
    read(text);
  }
}

}  // namespace
}  // namespace emosweep
