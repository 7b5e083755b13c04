#include <gtest/gtest.h>

#include <cmath>

#include "data/dataset.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

// With what a dataset.yaml says of difficulties, over a table with three more columns.
struct Described {
  Folder folder;
  explicit Described(const std::string& difficulty) {
    folder.write("dataset.yaml", std::string(kDescription) + "difficulty: " + difficulty + "\n");
    folder.write("t.csv",
                 "id,who,emotion,f0,f1,g0,g1,v,a,hard\n"
                 "a,1,calm,1,2,3,4,0,0,.5\n"
                 "b,1,sad,2,3,4,5,1,1,-2\n"
                 "c,2,calm,,NA,5,6,3,4,7e-1\n"
                 "d,2,sad,4,nan,6,7,1,-1,\n");
  }
  std::vector<double> values(const RowSelection& selection = {}) const {
    return load_dataset(folder.path, selection).dataset.difficulty;
  }
};

TEST(Difficulty, IsAColumnOrADistanceFromWhatTheClassIsExpectedToBe) {
  EXPECT_EQ(Described("{column: a}").values(), (std::vector<double>{0, 1, 4, -1}));
  const Described distance("{columns: [v, a], expected: {calm: [0, 0], sad: [1, -3]}}");
  EXPECT_EQ(distance.values(), (std::vector<double>{0, 4, 5, 2}));
  EXPECT_EQ(distance.values({{{"who", {"2"}}}, {}}), (std::vector<double>{5, 2}));
}

TEST(Difficulty, IsPartOfTheDigestAndNotNeededToPredict) {
  const Folder plain;
  plain.write("dataset.yaml", kDescription);
  plain.write("t.csv", kTable);
  const auto digest = [](const std::string& difficulty) {
    return load_dataset(Described(difficulty).folder.path).dataset.digest;
  };
  EXPECT_TRUE(load_dataset(plain.path).dataset.difficulty.empty());
  EXPECT_NE(digest("{column: a}"), digest("{column: v}"));
  EXPECT_NE(digest("{columns: [v], expected: {calm: [0], sad: [1]}}"),
            digest("{columns: [v], expected: {calm: [0], sad: [2]}}"));
  plain.write("dataset.yaml", std::string(kDescription) + "difficulty: {column: hard}\n");
  EXPECT_EQ(load_dataset(plain.path, {}, nullptr, {}, Labels::ignored).dataset.size(), 4);
}

TEST(Difficulty, MistakesNameTheirPlace) {
  const auto error = [](const std::string& difficulty) {
    return load_error(Described(difficulty).folder);
  };
  EXPECT_TRUE(holds(error("{column: hard}"), "t.csv:5"));
  EXPECT_TRUE(holds(error("{column: hard}"), "difficulty needs a number, '' is none"));
  EXPECT_TRUE(holds(error("{column: hrd}"), "has no column 'hrd'"));
  EXPECT_TRUE(holds(error("{columns: [v, a]}"), "either 'column' or 'columns' with 'expected'"));
  EXPECT_TRUE(holds(error("{column: a, expected: {calm: [0]}}"), "either 'column' or"));
  EXPECT_TRUE(holds(error("{columns: [v, a], expected: {calm: [0, 0]}}"),
                    "expected lacks the class 'sad'"));
  EXPECT_TRUE(holds(error("{columns: [v], expected: {calm: [0], sad: [0], sat: [1]}}"),
                    "names the class 'sat', which does not exist"));
  EXPECT_TRUE(holds(error("{columns: [v, a], expected: {calm: [0], sad: [x, 1]}}"),
                    "the expected values of 'calm': 1 numbers for 2 columns"));
  EXPECT_TRUE(
      holds(error("{columns: [v, a], expected: {calm: [0], sad: [x, 1]}}"), "'x' is no number"));
  EXPECT_TRUE(holds(error("{column: f0}"), "audio"));  // a feature gives itself away
}

}  // namespace
}  // namespace emosweep::data
