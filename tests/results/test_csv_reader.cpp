#include <gtest/gtest.h>

#include "base/error.h"
#include "fixture.h"
#include "results/csv_reader.h"

namespace emosweep::results {
namespace {

class CsvFile : public testing::Test {
 protected:
  CsvReader open(const std::string& text) {
    write_file(dir_.path() / "x.csv", text);
    return CsvReader(dir_.path() / "x.csv");
  }
  // What is wrong, behind the file's name.
  std::string problem(const std::string& text) {
    try {
      CsvReader reader = open(text);
      while (reader.next()) continue;
    } catch (const InputError& error) {
      const std::string what = error.what(), start = (dir_.path() / "x.csv").string() + ":";
      EXPECT_TRUE(what.starts_with(start)) << what;
      return what.substr(start.size());
    }
    return "";
  }
  TemporaryFolder dir_;
};

TEST_F(CsvFile, QuotesLineEndsAndByteOrderMark) {
  CsvReader reader = open(
      "\xEF\xBB\xBF"
      "a, b ,c\r\n1,\"x, \"\"y\"\"\r\nz\",\r\n\r\n\"\",' ,ü");
  EXPECT_EQ(reader.header(), (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.cell(0), "1");
  EXPECT_EQ(reader.cell(1), "x, \"y\"\r\nz");
  EXPECT_EQ(reader.cell(2), "");
  EXPECT_EQ(reader.line(), 2);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.line(), 5);  // after a cell of two lines and a blank line
  EXPECT_EQ(reader.cell(0), "");
  EXPECT_EQ(reader.cell(1), "'");
  EXPECT_EQ(reader.cell(2), "ü");
  EXPECT_FALSE(reader.next());
}

TEST_F(CsvFile, LastRowMayLackItsLineEndAndItsLastCellsText) {
  CsvReader reader = open("a,b\n1,2\n3,");
  ASSERT_TRUE(reader.next());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.cell(0), "3");
  EXPECT_EQ(reader.cell(1), "");
  EXPECT_FALSE(reader.next());
}

TEST_F(CsvFile, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(problem("a,b\n1,2\n"), "");
  EXPECT_EQ(problem(""), "1: the file is empty");
  EXPECT_EQ(problem("a,b\n1,2\n1\n"), "3: the row has 1 cell, the header has 2");
  EXPECT_EQ(problem("a,b\n1,2,3\n"), "2: the row has 3 cells, the header has 2");
  EXPECT_EQ(problem("a,b\n1,\"2\n3,4\n"), "2: a quote is opened and never closed");
  EXPECT_EQ(problem("a,b\n\"1\"x,2\n"), "2: cell 1 goes on after its closing quote");
  EXPECT_EQ(problem("a,a\n"), "1: two columns are called 'a'");
  EXPECT_EQ(problem("a,\n"), "1: column 2 has no name");
  EXPECT_EQ(problem("a;b\n1;2\n"),
            "1: cells are separated by commas, here they seem to be by semicolons or tabs");
  EXPECT_EQ(problem("a\n1\n\xff\n"), "3: the line is not UTF-8; save the file as UTF-8");
  EXPECT_EQ(problem(std::string("a\n\0\n", 4)), "2: the line holds a NUL byte");
  EXPECT_EQ(problem("\xFF\xFE"
                    "a"),
            "1: the file is UTF-16; save it as UTF-8");
  EXPECT_NE(problem("a\n" + std::string(70000, 'x')).find("is a quote left open?"),
            std::string::npos);
  EXPECT_EQ(problem(std::string(10000, ',')), "1: more than 10000 columns");
  EXPECT_THROW(CsvReader(dir_.path() / "none.csv"), InputError);
}

}  // namespace
}  // namespace emosweep::results
