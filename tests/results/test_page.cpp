// The page, its drawings, CSV and LaTeX.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "example.h"
#include "results/grid_axes.h"
#include "results/page/html.h"
#include "results/plots/axis.h"
#include "results/plots/svg.h"
#include "results/report.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

constexpr const char* kHostile = "</script><img src=x onerror=alert(1)>";

// "" or the first tag that does not close what was opened last. Attributes hold no '>'.
std::string unbalanced(const std::string& markup) {
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = markup.find('<', at)) != std::string::npos; ++at) {
    const std::size_t end = markup.find('>', at);
    if (end == std::string::npos) return markup.substr(at, 20);
    const bool closing = markup[at + 1] == '/';
    const std::size_t first = at + (closing ? 2 : 1);
    const std::string name = markup.substr(first, markup.find_first_of(" />", first) - first);
    if (name.empty() || name[0] == '?' || name[0] == '!' || name == "meta" || name == "link")
      continue;
    if (closing) {
      if (open.empty() || open.back() != name) return "</" + name + ">";
      open.pop_back();
    } else if (markup[end - 1] != '/') {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : "<" + open.back() + ">";
}

// What stands between every `before` and the next quote.
std::vector<std::string> quoted_after(const std::string& text, const std::string& before) {
  std::vector<std::string> result;
  for (std::size_t at = 0; (at = text.find(before, at)) != std::string::npos;) {
    at += before.size();
    result.push_back(text.substr(at, text.find('"', at) - at));
  }
  return result;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

TEST(Html, EscapesWhatWouldBeMarkupAndRepairsWhatIsNoText) {
  EXPECT_EQ(escape("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(escape("männlich 怒り 😀"), "männlich 怒り 😀");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(escape(std::string("\x01") + "x\xff"), bad + "x" + bad);
  EXPECT_EQ(escape("\xc3"), bad);                                // cut short
  EXPECT_EQ(escape("\xc0\xbc"), bad + bad);                      // "<" in two bytes
  EXPECT_EQ(escape("\xed\xa0\x80"), bad + bad + bad);            // a surrogate
  EXPECT_EQ(escape("\xf4\x90\x80\x80"), bad + bad + bad + bad);  // beyond Unicode
}

TEST(Html, Base64OfTheStandard) {  // RFC 4648, section 10
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(Svg, TextsAreCutByCharactersAndNumbersShort) {
  EXPECT_EQ(characters("怒り"), 2u);
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("怒り怒り", 3), "怒り…");
  EXPECT_EQ(pixels(12), "12");
  EXPECT_EQ(pixels(12.34), "12.3");
  EXPECT_EQ(pixels(-0.01), "0");
}

TEST(Axis, TicksAreRoundAndWithinTheRange) {
  EXPECT_EQ(ticks(0, 1, 5), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
  EXPECT_EQ(ticks(0.31, 0.69, 4).size(), 3u);  // .4, .5, .6
  EXPECT_EQ(tick_text(0.6000000000000001, 0.2), "0.6");
  EXPECT_EQ(tick_text(-20, 10), "-20");
  EXPECT_EQ(tick_text(1e-17, 0.5), "0.0");
  const Range range = range_of({0.5, kUndefined, 0.7}, 0, 1);
  EXPECT_LT(range.low, 0.5);
  EXPECT_GT(range.high, 0.7);
  const Range nothing = range_of({}, 0, 1);
  EXPECT_EQ(nothing.low, 0);
  EXPECT_EQ(nothing.high, 1);
}

TEST(GridAxes, AreReadBackFromLabels) {
  const auto axes =
      grid_axes({"lr=0.001, model=mlp, weights=[1, 2]", "lr=0.0003, model=mlp, weights=[1, 2]",
                 "lr=0.001, model=mlp, weights=none", "lr=0.0003, model=mlp, weights=none"});
  ASSERT_EQ(axes.size(), 2u);  // one model is no axis
  EXPECT_EQ(axes[0].name, "lr");
  EXPECT_EQ(axes[0].values, (std::vector<std::string>{"0.0003", "0.001"}));
  EXPECT_EQ(axes[0].of_condition, (std::vector<std::size_t>{1, 0, 1, 0}));
  EXPECT_EQ(axes[1].values, (std::vector<std::string>{"[1, 2]", "none"}));
  EXPECT_EQ(axes[1].of_condition, (std::vector<std::size_t>{0, 0, 1, 1}));
  EXPECT_TRUE(grid_axes({"default"}).empty());
  EXPECT_TRUE(grid_axes({"lr=1", "dropout=1"}).empty());
  EXPECT_TRUE(grid_axes({}).empty());
}

Example hostile_example() {
  Example example = make_example();
  for (auto& experiment : example.plan.experiments) {
    experiment.classes[0] = kHostile;
    experiment.resolved = kHostile;
    experiment.normalise = "train";  // one family: pairs are drawn
  }
  for (auto& record : example.records) record.result.targets[0].spec.classes[0] = kHostile;
  return example;
}

TEST(Page, NothingOfTheDataBecomesMarkupAndNothingIsFetched) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = hostile_example();
  const Digest failed = example.records.back().id;
  example.records.pop_back();
  commit_example(folder, example);
  folder.commit_failure({failed, "exception", kHostile, "epoch 1", kHostile, 0, 1, 1e9});
  const std::string page = report(folder, "html");
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(count(page, "<script"), 1u);
  EXPECT_EQ(count(page, "</script>"), 1u);
  EXPECT_NE(page.find("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"), std::string::npos);
  for (const char* fetch : {"http:", "https:", "url(", "@import", " src=\""}) {
    EXPECT_EQ(page.find(fetch), std::string::npos) << fetch;
  }
  const std::size_t script = page.find("<script>");
  EXPECT_EQ(unbalanced(page.substr(page.find("<body"), script - page.find("<body")) + "</body>"),
            "");
  // Ids are unique, and what links point to exists.
  std::set<std::string> ids;
  for (const auto& id : quoted_after(page, " id=\"")) {
    EXPECT_TRUE(ids.insert(id).second) << id;
  }
  for (const auto& link : quoted_after(page, "href=\"#")) EXPECT_TRUE(ids.count(link)) << link;
  EXPECT_EQ(report(folder, "html"), page);
}

TEST(Page, SaysWhatTheTextSays) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  for (auto& experiment : example.plan.experiments) experiment.normalise = "train";
  commit_example(folder, example);
  const std::string page = report(folder, "html");
  const auto json = nlohmann::json::parse(report(folder, "json"));
  for (const char* part :
       {"Scores with both intervals", "Probability that A beats B", " minus ",
        "Where the spread comes from", "Performance profile", "Timeline", "Conditions of the grid",
        "Along each axis of the grid", "Confusion matrix", "F1 of each class",
        "Subjects by difficulty", "Learning curves", "Slices", "gender = männlich",
        "intensity/level = (empty)", "None: every planned trial is done.", "Nested selection",
        "majority class of training"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  // The headline of the JSON, rounded, stands in table and card.
  const double mean =
      json["statistics"]["experiments"][0]["nested"]["pooled_macro_f1"]["mean"].get<double>();
  char rounded[16];
  std::snprintf(rounded, sizeof rounded, "%.3f", mean);
  EXPECT_GE(count(page, rounded), 3u);
  EXPECT_LT(page.size(), 1u << 20);
  EXPECT_EQ(unbalanced("<p><b></p></b>"), "</p>");  // the check can fail
}

TEST(Page, TransductiveScoresAreNotSetAgainstOthers) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  commit_example(folder, make_example());  // "Linear" is transductive
  const std::string page = report(folder, "html");
  EXPECT_NE(page.find("Linear †"), std::string::npos);
  EXPECT_NE(page.find("Transductive, scaled by each subject&#39;s own clips"), std::string::npos);
  EXPECT_EQ(page.find("Probability that A beats B"), std::string::npos);
  EXPECT_EQ(count(page, "<td>leads</td>"), 2u);
}

TEST(Page, OfAFolderWithoutRecordsSaysSo) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  folder.create();
  folder.commit_plan(make_example().plan);
  const std::string page = report(folder, "html");
  EXPECT_NE(page.find("there is no score yet"), std::string::npos);
  EXPECT_NE(page.find("INCOMPLETE: 66 of 66"), std::string::npos);
  for (const auto& figure : Report(ReportSources{{folder}}).figures()) ADD_FAILURE() << figure.file;
}

TEST(Figures, AreWellFormedFilesOfTheirOwn) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  commit_example(folder, hostile_example());
  const auto figures = Report(ReportSources{{folder}}).figures();
  std::set<std::string> names;
  for (const auto& figure : figures) {
    names.insert(figure.file);
    EXPECT_EQ(figure.svg.find("<?xml"), 0u);
    EXPECT_EQ(unbalanced(figure.svg), "") << figure.file;
    EXPECT_EQ(figure.svg.find("<img"), std::string::npos) << figure.file;
    EXPECT_EQ(figure.svg.find("nan"), std::string::npos) << figure.file;
    EXPECT_EQ(figure.svg.find("inf"), std::string::npos) << figure.file;
  }
  EXPECT_EQ(names.size(), figures.size());
  for (const char* name :
       {"scores.svg", "probability.svg", "differences.svg", "components.svg", "profile.svg",
        "timeline.svg", "1_Fusion_conditions.svg", "1_Fusion_grid.svg", "1_Fusion_confusion.svg",
        "1_Fusion_classes.svg", "1_Fusion_subjects.svg", "1_Fusion_curves.svg"}) {
    EXPECT_TRUE(names.count(name)) << name;
  }
}

TEST(Csv, HasEveryFigureOfTheJson) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  example.plan.experiments[0].name = "Linear, \"plain\"";
  commit_example(folder, example);
  std::istringstream lines(report(folder, "csv"));
  const auto json = nlohmann::json::parse(report(folder, "json"));
  const auto split = [](const std::string& line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
        cells.back() += line[++i];
      } else if (line[i] == '"') {
        quoted = !quoted;
      } else if (line[i] == ',' && !quoted) {
        cells.emplace_back();
      } else {
        cells.back() += line[i];
      }
    }
    return cells;
  };
  std::string line;
  std::getline(lines, line);
  const auto header = split(line);
  std::size_t rows = 0;
  while (std::getline(lines, line)) {
    const auto cells = split(line);
    ASSERT_EQ(cells.size(), header.size()) << line;
    for (const auto& experiment : json["statistics"]["experiments"]) {
      if (experiment["name"] != cells[0]) continue;
      for (const auto& condition : experiment["conditions"]) {
        if (condition["condition"] != cells[1]) continue;
        ++rows;
        const auto& own = condition["pooled_" + cells[3]];
        for (std::size_t i = 7; i < header.size(); ++i) {
          if (own[header[i]].is_null()) {
            EXPECT_EQ(cells[i], "");
          } else {
            EXPECT_EQ(std::stod(cells[i]), own[header[i]].get<double>()) << header[i];
          }
        }
      }
    }
  }
  EXPECT_EQ(rows, 9u);  // three conditions, three metrics
}

TEST(Latex, EscapesNamesAndClosesItsTables) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  example.plan.experiments[0].name = "50 % of $x_1 & \\input{a}";
  commit_example(folder, example);
  const std::string latex = report(folder, "latex");
  EXPECT_NE(latex.find("50 \\% of \\$x\\_1 \\& \\textbackslash{}input\\{a\\}"), std::string::npos);
  EXPECT_EQ(count(latex, "\\begin{tabular}"), 3u);
  EXPECT_EQ(count(latex, "\\end{tabular}"), 3u);
  EXPECT_EQ(count(latex, "\\toprule"), count(latex, "\\bottomrule"));
  EXPECT_THROW(report(folder, "docx"), InputError);
}

}  // namespace
}  // namespace emosweep::results
