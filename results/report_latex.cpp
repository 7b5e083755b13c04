// The report as LaTeX tables (booktabs): scores, comparisons, and F1 of each class of the leader.
#include <cmath>
#include <set>

#include "results/counting.h"
#include "results/report_parts.h"
#include "results/report_tables.h"
#include "results/text_layout.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

// What TeX takes for a command, and characters that its usual fonts lack are left to inputenc.
std::string tex(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\\':
        result += "\\textbackslash{}";
        break;
      case '~':
        result += "\\textasciitilde{}";
        break;
      case '^':
        result += "\\textasciicircum{}";
        break;
      case '<':
        result += "\\textless{}";
        break;
      case '>':
        result += "\\textgreater{}";
        break;
      case '|':
        result += "\\textbar{}";
        break;
      case '"':
        result += "\\textquotedbl{}";
        break;
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        result += std::string("\\") + c;
        break;
      default:
        result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return result;
}

std::string line(const std::vector<std::string>& cells) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) text += (i == 0 ? "" : " & ") + cells[i];
  return text + " \\\\\n";
}

std::string number(double value, int digits = 3) {
  return std::isnan(value) ? "--" : "$" + score(value, digits) + "$";
}

std::string spread(const Spread& of) {
  return of.n < 2 ? number(of.mean) : "$" + score(of.mean, 3) + " \\pm " + score(of.sd, 3) + "$";
}

std::string interval(double lower, double upper) {
  return std::isnan(lower) ? "--" : "$[" + score(lower, 3) + ", " + score(upper, 3) + "]$";
}

std::string table(const std::string& columns, const std::string& header, const std::string& body,
                  const std::string& caption, const std::string& label) {
  return "\\begin{table}\n\\centering\\small\n\\caption{" + caption + "}\n\\label{tab:" + label +
         "}\n\\begin{tabular}{" + columns + "}\n\\toprule\n" + header + "\\midrule\n" + body +
         "\\bottomrule\n\\end{tabular}\n\\end{table}\n\n";
}

// The first letter of ASCII as a capital.
std::string upper_first(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

// order: of one kind.
std::string scores_table(const ReportData& data, const std::vector<Standing>& order) {
  const ExperimentStatistics& first = data.statistics[order[0].experiment];
  const TargetKind kind = first.target.kind;
  const auto metrics = report_metrics(kind);
  std::vector<std::string> header{"", metric_title(metrics[0].name), "re-run 95\\,\\%",
                                  "new subjects 95\\,\\%"};
  std::string names = metric_title(metrics[0].name);
  for (std::size_t m = 1; m < metrics.size(); ++m) {
    header.push_back(metric_title(metrics[m].name));
    names += (m + 1 < metrics.size() ? ", " : " and ") + metric_title(metrics[m].name);
  }
  std::string body;
  for (const auto& [experiment, own] : order) {
    const ReplicatedStatistics& headline = own->headline();
    std::vector<std::string> cells{
        tex(display_name(data, experiment)), spread(headline.spread),
        interval(headline.rerun.lower, headline.rerun.upper),
        interval(headline.new_subject.lower, headline.new_subject.upper)};
    for (std::size_t m = 1; m < metrics.size(); ++m) {
      cells.push_back(spread(own->pooled(metrics[m].name).spread));
    }
    body += line(cells);
  }
  const auto baselines = baseline_rows(first, *order[0].headline);
  if (!baselines.empty()) body += "\\midrule\n";
  for (const BaselineRow& row : baselines) {
    if (!row.known()) continue;
    const auto value = [&](std::size_t m) {
      return std::isnan(row.values[m]) ? std::string() : number(row.values[m]);
    };
    std::vector<std::string> cells{kind == TargetKind::single && row.name == "chance"
                                       ? row.name
                                       : baseline_title(row.name, kind),
                                   value(0), "", ""};
    for (std::size_t m = 1; m < metrics.size(); ++m) cells.push_back(value(m));
    body += line(cells);
  }
  const bool single = kind == TargetKind::single;
  const std::string counted = kind == TargetKind::regression
                                  ? " of the rows of all folds of one seed"
                                  : std::string(" of the confusion ") +
                                        (single ? "matrix" : "matrices") +
                                        " summed over the folds of one seed";
  return table(std::string("lccc") + std::string(metrics.size() - 1, 'c'), line(header), body,
               upper_first(names) + counted +
                   ": mean $\\pm$ standard deviation over seeds. Re-run: what other seeds would "
                   "give; new subjects: what other subjects would give (delete-one-subject "
                   "jackknife)." +
                   (baselines.empty() ? "" : " Baselines as for the first row."),
               single ? "scores" : std::string("scores-") + target_kind_name(kind));
}

// Differences of macro-F1, and where there are experiments of values, of CCC.
std::string comparisons_table(const ReportData& data) {
  std::string body;
  std::set<std::string> headlines;
  for (const auto& pair : data.comparisons.pairs) {
    if (!pair.absent_because.empty()) continue;
    headlines.insert(headline_title(pair.kind));
    const Comparison& own = pair.result;
    body += line({tex(pair.a), tex(pair.b), "$" + with_sign(own.difference.mean, 3) + "$",
                  interval(own.difference.lower, own.difference.upper),
                  pair.p_holm < kSmallP ? "$<.0001$" : number(pair.p_holm, 4),
                  number(own.better.probability, 2), conclusion_of(pair)});
  }
  if (body.empty()) return "";
  const std::string compared = headlines.size() > 1 ? "the headline" : *headlines.begin();
  return table("llccccl",
               line({"$A$", "$B$", "$A - B$", "95\\,\\%", "$p$ (Holm)", "$P(A > B)$", "$A$ is"}),
               body,
               "Comparisons of " + compared +
                   ", paired on seed and subject; interval and $p$ over seeds "
                   "and subjects at once (two-way random effects, Satterthwaite).",
               "comparisons");
}

std::string classes_table(const ReportData& data, const Standing& leader) {
  std::string body;
  const TargetSpec& target = data.statistics[leader.experiment].target;
  const auto names = class_names_of(target);
  for (std::size_t k = 0; k < leader.headline->classes.size(); ++k) {
    const ClassStatistics& own = leader.headline->classes[k];
    body += line({tex(names[k]), std::to_string(own.support), number(own.precision.mean),
                  number(own.recall.mean), spread(own.f1.spread),
                  interval(own.rerun.lower, own.rerun.upper)});
  }
  if (body.empty()) return "";
  const bool single = target.kind == TargetKind::single;
  const char* what = target.kind == TargetKind::multi ? "label" : "class";
  return table(
      "lrcccc", line({what, "rows", "precision", "recall", "F1", "re-run 95\\,\\%"}), body,
      std::string("Each ") + what + " under " + tex(display_name(data, leader.experiment)) + ".",
      single ? "classes" : std::string("classes-") + target_kind_name(target.kind));
}

}  // namespace

std::string latex_report(const ReportData& data) {
  const auto order = standings(data);
  std::string text =
      "% Tables of an emosweep report. In the preamble: \\usepackage{booktabs}, "
      "\\usepackage[T1]{fontenc}\n\n";
  if (order.empty()) return text + "% No experiment has a complete seed.\n";
  std::string classes;
  for (const TargetKind kind : kinds_of(data)) {
    const auto own = of_kind(data, order, kind);
    if (own.empty()) continue;
    text += scores_table(data, own);
    classes += classes_table(data, own[0]);
  }
  return text + comparisons_table(data) + classes;
}

}  // namespace emosweep::results
