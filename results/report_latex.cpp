// The report as LaTeX tables (booktabs): scores, comparisons, and F1 of each class of the leader.
#include <cmath>

#include "results/report_parts.h"
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

std::string scores_table(const ReportData& data, const std::vector<Standing>& order) {
  std::string body;
  for (const auto& [experiment, own] : order) {
    const ReplicatedStatistics& headline = own->pooled_macro_f1;
    body += line({tex(display_name(data, experiment)), spread(headline.spread),
                  interval(headline.rerun.lower, headline.rerun.upper),
                  interval(headline.new_subject.lower, headline.new_subject.upper),
                  spread(own->pooled_uar.spread), spread(own->pooled_accuracy.spread)});
  }
  const ConditionStatistics& leader = *order[0].headline;
  const double chance = data.statistics[order[0].experiment].chance;
  body += "\\midrule\n" +
          line({"majority class of training", number(leader.majority_macro_f1.spread.mean), "", "",
                "", number(leader.majority_accuracy.spread.mean)}) +
          line({"chance", "", "", "", number(chance), number(chance)});
  return table(
      "lccccc",
      line({"", "macro-F1", "re-run 95\\,\\%", "new subjects 95\\,\\%", "UAR", "accuracy"}), body,
      "Macro-F1, UAR and accuracy of the confusion matrix summed over the folds of one "
      "seed: mean $\\pm$ standard deviation over seeds. Re-run: what other seeds would "
      "give; new subjects: what other subjects would give (delete-one-subject jackknife). "
      "Baselines as for the first row.",
      "scores");
}

std::string comparisons_table(const ReportData& data) {
  std::string body;
  for (const auto& pair : data.comparisons.pairs) {
    if (!pair.absent_because.empty()) continue;
    const Comparison& own = pair.result;
    body += line({tex(pair.a), tex(pair.b), "$" + with_sign(own.difference.mean, 3) + "$",
                  interval(own.difference.lower, own.difference.upper),
                  pair.p_holm < kSmallP ? "$<.0001$" : number(pair.p_holm, 4),
                  number(own.better.probability, 2), conclusion_of(pair)});
  }
  if (body.empty()) return "";
  return table("llccccl",
               line({"$A$", "$B$", "$A - B$", "95\\,\\%", "$p$ (Holm)", "$P(A > B)$", "$A$ is"}),
               body,
               "Comparisons of macro-F1, paired on seed and subject; interval and $p$ over seeds "
               "and subjects at once (two-way random effects, Satterthwaite).",
               "comparisons");
}

std::string classes_table(const ReportData& data, const Standing& leader) {
  std::string body;
  const auto& names = data.table.experiments[leader.experiment].classes;
  for (std::size_t k = 0; k < leader.headline->classes.size(); ++k) {
    const ClassStatistics& own = leader.headline->classes[k];
    body += line({tex(names[k]), std::to_string(own.support), number(own.precision.mean),
                  number(own.recall.mean), spread(own.f1.spread),
                  interval(own.rerun.lower, own.rerun.upper)});
  }
  return table("lrcccc", line({"class", "rows", "precision", "recall", "F1", "re-run 95\\,\\%"}),
               body, "Each class under " + tex(display_name(data, leader.experiment)) + ".",
               "classes");
}

}  // namespace

std::string latex_report(const ReportData& data) {
  const auto order = standings(data);
  std::string text =
      "% Tables of an emosweep report. In the preamble: \\usepackage{booktabs}, "
      "\\usepackage[T1]{fontenc}\n\n";
  if (order.empty()) return text + "% No experiment has a complete seed.\n";
  return text + scores_table(data, order) + comparisons_table(data) + classes_table(data, order[0]);
}

}  // namespace emosweep::results
