#include <algorithm>

#include "base/philox.h"
#include "data/cells.h"
#include "data/table.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

struct Read {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::int64_t> lines;
  std::string mistakes;
};

Read read(const std::string& file, const std::string& text, TableForm form = {},
          TableLimits limits = {}) {
  TableMistakes wrong;
  Read out;
  auto reader = open_table(file, text, form, Place{"dataset.yaml", 2, 10}, limits, wrong);
  if (reader != nullptr) {
    out.header = reader->header();
    Record record;
    while (reader->next(record)) {
      out.rows.emplace_back(record.cells.begin(), record.cells.end());
      out.lines.push_back(reader->line_of(record.cells.size() - 1));
    }
  }
  Mistakes mistakes;
  wrong.give_to(mistakes);
  for (const auto& line : mistakes.lines()) out.mistakes += line + "\n";
  return out;
}

using Rows = std::vector<std::vector<std::string>>;

TEST(Csv, QuotesLineBreaksByteOrderMarkAndCrlf) {
  const Read t = read("t.csv",
                      "\xEF\xBB\xBFid, text ,x\r\n"
                      "1,\"a, \"\"b\"\"\r\nc\",2\r\n"
                      "\r\n"
                      "\"2\",\"\",\"\"\r\n"
                      "3,l'\"x,");
  EXPECT_EQ(t.mistakes, "");
  EXPECT_EQ(t.header, (std::vector<std::string>{"id", "text", "x"}));
  EXPECT_EQ(t.rows, (Rows{{"1", "a, \"b\"\r\nc", "2"}, {"2", "", ""}, {"3", "l'\"x", ""}}));
  EXPECT_EQ(t.lines, (std::vector<std::int64_t>{3, 5, 6}));  // of the last cell
}

TEST(Csv, DelimitersAndTablesWithoutHeader) {
  EXPECT_EQ(read("t.tsv", "a\tb\n1\t2\n").rows, (Rows{{"1", "2"}}));
  TableForm form;
  form.delimiter = ';';
  form.header = {"x", "y"};
  EXPECT_EQ(read("t.txt", "1;2\n3;4\n", form).rows, (Rows{{"1", "2"}, {"3", "4"}}));
  EXPECT_TRUE(holds(read("t.txt", "1;2\n").mistakes, "dataset.yaml:2:10: 't.txt' ends neither"));
}

TEST(Csv, QuoteNoneReadsQuotesAsText) {
  TableForm form;
  form.quotes = false;
  EXPECT_EQ(read("t.tsv", "a\tb\n\"x\t\"y\"\n", form).rows, (Rows{{"\"x", "\"y\""}}));
}

TEST(Csv, MistakesNameTheirLine) {
  EXPECT_EQ(read("t.csv", "a,b\n1,2\n\"x\ny\",2\n3\n4,5\n1,2,3\n").mistakes,
            "t.csv:5: the row has 1 cell, the header has 2\n"
            "t.csv:7: the row has 3 cells, the header has 2\n");
  EXPECT_TRUE(holds(read("t.csv", "a,b\n1,\"2\n").mistakes, "t.csv:2: a quote is opened"));
  EXPECT_TRUE(holds(read("t.csv", "a,b\n\"1\"x,2\n").mistakes, "t.csv:2: cell 1 goes on"));
  EXPECT_EQ(read("t.csv", "a,b,a\n").mistakes,
            "t.csv:1: the header names column 'a' twice (numbers 1 and 3)\n");
  EXPECT_EQ(read("t.csv", "").mistakes, "t.csv:1: the table is empty\n");
  EXPECT_EQ(read("t.csv", "\n\n").mistakes, "t.csv:1: the table is empty\n");
}

TEST(Csv, EncodingIsCheckedCellByCell) {
  const Read t = read("t.csv", "a,b\ngr\xC3\xBC\xC3\x9F,1\nx,caf\xE9\nz,1\n");
  EXPECT_TRUE(holds(t.mistakes, "t.csv:3: column 'b': the cell is not UTF-8 (byte 4)"));
  EXPECT_EQ(t.rows, (Rows{{"gr\xC3\xBC\xC3\x9F", "1"}, {"z", "1"}}));
  const std::string nul("a,b\n1,\0002\n", 9);
  EXPECT_TRUE(holds(read("t.csv", nul).mistakes, "t.csv:2: column 'b': the cell holds a NUL"));
  EXPECT_TRUE(holds(read("t.csv", "\xFF\xFE\x61").mistakes, "UTF-16"));
}

TEST(Csv, Caps) {
  TableLimits limits;
  limits.cell = 4;
  limits.columns = 2;
  EXPECT_TRUE(holds(read("t.csv", "a,b\n1,12345\n", {}, limits).mistakes,
                    "t.csv:2: column 'b': the cell holds 5 bytes; at most 4"));
  EXPECT_TRUE(holds(read("t.csv", "a,b,c\n", {}, limits).mistakes, "3 columns; at most 2"));
}

TEST(Csv, TheFirstTwentyMistakesAndACount) {
  std::string text = "a,b\n";
  for (int i = 0; i < 57; ++i) text += "1\n";
  const std::string mistakes = read("t.csv", text).mistakes;
  EXPECT_TRUE(holds(mistakes, "t.csv:21: the row"));
  EXPECT_FALSE(holds(mistakes, "t.csv:22: the row"));
  EXPECT_TRUE(holds(mistakes, "... and 37 more mistakes"));
}

TEST(JsonLines, KeysMayMissAndComeInAnyOrder) {
  const Read t = read("t.jsonl",
                      "{\"id\": \"a\", \"x\": 1.50, \"ok\": true}\r\n\n"
                      "{\"y\": null, \"x\": -3, \"id\": \"\\u00fc\\n\"}\n");
  EXPECT_EQ(t.mistakes, "");
  EXPECT_EQ(t.header, (std::vector<std::string>{"id", "x", "ok", "y"}));
  EXPECT_EQ(t.rows, (Rows{{"a", "1.50", "true", ""}, {"\xC3\xBC\n", "-3", "", ""}}));
  EXPECT_EQ(t.lines, (std::vector<std::int64_t>{1, 3}));
}

TEST(JsonLines, MistakesNameTheirLine) {
  const Read t = read("t.jsonl",
                      "{\"a\": 1}\n{\"a\": }\n[1]\n3\n{\"a\": 1, \"a\": 2}\n{\"a\": \"\xE9\"}\n"
                      "{\"a\": {\"b\": [1]}}\n");
  EXPECT_TRUE(holds(t.mistakes, "t.jsonl:2: not JSON near byte 7"));
  EXPECT_TRUE(holds(t.mistakes, "t.jsonl:3: the line is not an object"));
  EXPECT_TRUE(holds(t.mistakes, "t.jsonl:4: the line is not an object"));
  EXPECT_TRUE(holds(t.mistakes, "t.jsonl:5: column 'a': the key is given twice"));
  EXPECT_TRUE(holds(t.mistakes, "t.jsonl:6: not JSON near byte 9"));
  EXPECT_EQ(t.rows, (Rows{{"1"}, {"[...]"}}));
  EXPECT_EQ(read("t.jsonl", "\n").mistakes, "t.jsonl:1: the table is empty\n");
  EXPECT_TRUE(holds(read("t.jsonl", std::string(100'000, '[')).mistakes, "not an object"));
  EXPECT_TRUE(holds(read("t.jsonl", "{\"a\":" + std::string(100'000, '[')).mistakes, "t.jsonl:1:"));
}

// Tables with random damage are read or refused; every record handed out fits the header and is
// UTF-8.
TEST(Tables, SurviveDamage) {
  const std::string csv =
      "id,text,x\r\n1,\"a \"\"b\"\"\nc\",2.5\n2,\xC3\xA9,\n3,\"\",nan\n4,x,-1e5\n";
  const std::string json =
      "{\"id\": 1, \"t\": \"a\\u00e9\", \"x\": [1, {\"y\": 2}]}\n{\"id\": null, \"z\": -2.5e3}\n";
  const StreamKey key = trial_key(1, "damage");
  const std::string spice = "\",\n\r\t{}[]:\\\xFF\xC3\xE2 0a";
  std::int64_t read = 0;
  for (std::uint64_t round = 0; round < 4000; ++round) {
    const bool is_csv = round % 2 == 0;
    std::string text = is_csv ? csv : json;
    for (std::uint64_t hit = 0; hit <= round % 5; ++hit) {
      const auto at = uniform_index(key, round, 3 * hit, text.size());
      const char with = spice[uniform_index(key, round, 3 * hit + 1, spice.size())];
      switch (uniform_index(key, round, 3 * hit + 2, 3)) {
        case 0:
          text[at] = with;
          break;
        case 1:
          text.insert(at, 1, with);
          break;
        default:
          text.erase(at, 1);
      }
    }
    TableMistakes wrong;
    const auto reader = open_table(is_csv ? "t.csv" : "t.jsonl", text, {}, {}, {}, wrong);
    if (reader == nullptr) {
      EXPECT_GT(wrong.count(), 0u);
      continue;
    }
    Record record;
    std::int64_t line = 0;
    while (reader->next(record)) {
      ++read;
      ASSERT_EQ(record.cells.size(), reader->header().size());
      EXPECT_GT(record.line, line);
      line = record.line;
      for (std::size_t i = 0; i < record.cells.size(); ++i) {
        EXPECT_EQ(first_bad_byte(record.cells[i]), std::string_view::npos);
        EXPECT_GE(reader->line_of(i), record.line);
      }
    }
    EXPECT_LE(line, 1 + std::count(text.begin(), text.end(), '\n'));
  }
  EXPECT_GT(read, 4000);
}

TEST(Utf8, Strict) {
  const auto bad = [](std::string_view text) { return first_bad_byte(text); };
  const auto none = std::string_view::npos;
  EXPECT_EQ(bad("plain ascii of more than eight bytes"), none);
  EXPECT_EQ(bad("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 and more of it"), none);
  EXPECT_EQ(bad("12345678\xC0\xAF"), 8u);   // overlong
  EXPECT_EQ(bad("1\xE0\x80\xAF"), 1u);      // overlong
  EXPECT_EQ(bad("1\xED\xA0\x80"), 1u);      // a surrogate
  EXPECT_EQ(bad("1\xF4\x90\x80\x80"), 1u);  // above U+10FFFF
  EXPECT_EQ(bad("1\xE2\x82"), 1u);          // cut
  EXPECT_EQ(bad("1\x80"), 1u);              // a stray continuation
  EXPECT_EQ(bad(std::string_view("12345678\0x", 10)), 8u);
}

TEST(Cells, Numbers) {
  const auto kind = [](std::string_view cell) {
    double value;
    return read_number(cell, value);
  };
  const auto value = [](std::string_view cell) {
    double v;
    EXPECT_EQ(read_number(cell, v), CellKind::number) << cell;
    return v;
  };
  EXPECT_EQ(value("1.5"), 1.5);
  EXPECT_EQ(value(" -2e-3\t"), -2e-3);
  EXPECT_EQ(value("+.5"), .5);
  EXPECT_EQ(value("0.1"), 0.1);
  EXPECT_EQ(value("1e-999"), 0);
  for (const char* cell : {"", "  ", "NA", "nan", "NaN", "NAN", "-nan"})
    EXPECT_EQ(kind(cell), CellKind::missing) << cell;
  for (const char* cell : {"inf", "-Infinity", "+INF"})
    EXPECT_EQ(kind(cell), CellKind::infinite) << cell;
  for (const char* cell :
       {"1,5", "0x10", "1 2", "one", "-", "+", "1.5a", "nan(1)", "--1", "na", "+-1", "1e", "."})
    EXPECT_EQ(kind(cell), CellKind::text) << cell;
  EXPECT_EQ(kind("1e999"), CellKind::too_large);
  EXPECT_EQ(kind("-1e999"), CellKind::too_large);
}

TEST(Cells, NaturalOrder) {
  const std::vector<std::string> sorted{"", "2", "10", "a", "a2b", "a10", "a010", "b1"};
  std::vector<std::string> order{"a10", "b1", "10", "a2b", "", "a", "2", "a010"};
  std::sort(order.begin(), order.end(), natural_less);
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::size_t j = 0; j < order.size(); ++j)
      EXPECT_EQ(natural_less(order[i], order[j]), i < j) << order[i] << " " << order[j];
  EXPECT_EQ(order[1], "2");
  EXPECT_EQ(order[2], "10");
  EXPECT_EQ(order[4], "a2b");
}

}  // namespace
}  // namespace emosweep::data
