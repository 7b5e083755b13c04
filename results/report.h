// The report, from run folders (or results of other programs) alone.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "results/run_folder.h"

namespace emosweep::results {

// What one report is made of. Experiments of several folders stand in one table, those of one name
// with their folder's name before it ("run-a: Audio Only"); they are compared where samples and
// splits are the same.
struct ReportSources {
  std::vector<RunFolder> folders = {};
  std::vector<std::filesystem::path> csv = {};  // results of other programs: docs/results.md
  // Averages of experiments of the one folder: their names joined by '/' (results/ensemble.h).
  std::vector<std::string> ensembles = {};
  std::string metric = "score";  // what the column 'score' of such a file holds
  // Experiments with classes taken together (results/merge_classes.h), which `ensembles` may name.
  std::vector<std::string> merges = {};
};

// text: fits 100 columns where names allow it. json: {"statistics": the numbers of /statistics in
// summary.h5, with failures and missing cells, "cost": times}. html: one self-contained page that
// asks no server for anything. csv: a line an experiment, condition and metric. latex: tables for
// booktabs.
const std::vector<std::string>& report_formats();

struct ReportFigure {
  std::string file;  // "scores.svg"
  std::string svg;
};

// Of plan, records (or the summary, where that is current) and failures of the sources. InputError
// from the constructor: no run folder, one given twice, a damaged record; from in(): an unknown
// format.
class Report {
 public:
  explicit Report(const ReportSources& sources);
  ~Report();
  std::string in(const std::string& format) const;
  std::vector<ReportFigure> figures() const;  // those of the page, as files of their own

 private:
  struct Loaded;
  std::unique_ptr<Loaded> loaded_;
};
std::string report(const RunFolder& folder, const std::string& format = "text");

// One line an experiment, by name: its headline (of the nested selection where there are several
// conditions) beside the majority and chance baselines. The first part of the text report.
std::string overview(const RunFolder& folder);

}  // namespace emosweep::results
