// The examples in docs/own_data.md are what a reader will type: they must load.
#include <sstream>

#include "base/files.h"
#include "data/splits.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

std::string block(const std::string& page, const std::string& language) {
  const std::string open = "```" + language + "\n";
  const auto begin = page.find(open) + open.size();
  return page.substr(begin, page.find("```", begin) - begin);
}

TEST(Docs, TheShortestExampleLoadsAndSplits) {
  const std::string page =
      read_text(std::filesystem::path(EMOSWEEP_SOURCE_DIR) / "docs/own_data.md");
  const Folder f;
  f.write("samples.csv", block(page, "csv"));
  f.write("dataset.yaml", block(page, "yaml"));
  const Dataset d = load_dataset(f.path).dataset;
  EXPECT_EQ(d.size(), 6);
  EXPECT_EQ(d.modality("visual")->present, (std::vector<std::uint8_t>{1, 1, 1, 0, 1, 1}));
  SplitOptions o;
  o.group = "speaker";
  EXPECT_EQ(make_folds(d, o).folds.size(), 3u);
}

TEST(Docs, TheShownMistakesReadLikeThat) {
  const std::string page =
      read_text(std::filesystem::path(EMOSWEEP_SOURCE_DIR) / "docs/own_data.md");
  const Folder f;
  std::string table = block(page, "csv");
  table.replace(table.find("110.9,,"), 7, "110.9,O.31,");
  table.replace(table.find("cem,m,calm"), 10, "cem,m,angy");
  f.write("samples.csv", table);
  f.write("dataset.yaml", block(page, "yaml"));
  const std::string text = load_error(f);
  std::istringstream shown(block(page, "text"));
  for (std::string line; std::getline(shown, line);)
    EXPECT_TRUE(holds(text, line.substr(line.find("/samples.csv"))));
}

}  // namespace
}  // namespace emosweep::data
