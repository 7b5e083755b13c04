#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "launcher/command_line.h"
#include "launcher/run_argument.h"
#include "results/report.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

namespace {

void check_format(const std::string& format) {
  const auto& formats = results::report_formats();
  if (std::find(formats.begin(), formats.end(), format) != formats.end()) return;
  std::string known;
  for (const auto& name : formats) known += (known.empty() ? "" : ", ") + name;
  const std::string near = nearest(format, formats);
  throw InputError("--format " + format + ": expected one of " + known +
                   (near.empty() ? "" : "; did you mean '" + near + "'?"));
}

// Whole or not at all; a place that cannot be written to is the caller's mistake.
void write(const std::filesystem::path& file, const std::string& content) {
  try {
    commit_file(file, content, "report");
  } catch (const RunError& error) {
    throw InputError(std::string("cannot write the report: ") + error.what());
  }
}

void write_figures(const results::Report& report, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw InputError("--figures " + folder.string() +
                     ": cannot make the folder: " + error.message());
  }
  const auto figures = report.figures();
  for (const auto& figure : figures) write(folder / figure.file, figure.svg);
  std::fprintf(stderr, "%zu figures in %s\n", figures.size(), folder.c_str());
}

results::ReportSources sources_of(const po::variables_map& values) {
  results::ReportSources sources;
  if (values.count("from-csv")) {
    for (const auto& file : values["from-csv"].as<std::vector<std::string>>()) {
      sources.csv.emplace_back(file);
    }
  }
  if (values.count("dir") || sources.csv.empty()) {
    sources.folders = run_arguments(values, "report");
  }
  if (values.count("merge")) sources.merges = values["merge"].as<std::vector<std::string>>();
  if (values.count("ensemble"))
    sources.ensembles = values["ensemble"].as<std::vector<std::string>>();
  if (values.count("metric")) {
    if (sources.csv.empty()) {
      throw InputError("--metric names the scores of a CSV: it needs --from-csv FILE");
    }
    sources.metric = values["metric"].as<std::string>();
  }
  return sources;
}

}  // namespace

Exit report_command(const Arguments& arguments) {
  CommandLine line;
  line.name = "report";
  line.usage =
      "report [DIR...] [--merge 'A: X = B + C, ...'] [--ensemble A/B] [--from-csv FILE] [--format "
      "FORMAT] [-o FILE] [--figures "
      "DIR]";
  line.about =
      "One report of the experiments of one or several run folders, from their records, or of "
      "other programs' results.";
  add_run_argument(line, -1);
  line.options.add_options()("format", po::value<std::string>()->default_value("text"),
                             "text, json, html, csv or latex")(
      "output,o", po::value<std::string>(),
      "file to write; without it standard output, and DIR/report.html for html")(
      "figures", po::value<std::string>(), "folder to write every plot to, as SVG")(
      "ensemble", po::value<std::vector<std::string>>()->value_name("A/B"),
      "an experiment more: the mean probabilities of experiments, joined by /, weighted on their "
      "validation rows; of one, of all its seeds (repeatable)")(
      "merge", po::value<std::vector<std::string>>()->value_name("'A: X = B + C, ...'"),
      "an experiment more: A's with classes taken together by the sum of their probabilities, such "
      "as emotions to sentiments; every class once (repeatable)")(
      "from-csv", po::value<std::vector<std::string>>()->value_name("FILE"),
      "results of another program: a row a test row (true, predicted) or a cell (score)")(
      "metric", po::value<std::string>()->value_name("NAME"), "what the scores of a CSV are");
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  const auto format = (*values)["format"].as<std::string>();
  check_format(format);
  const results::ReportSources sources = sources_of(*values);
  std::string output;
  if (values->count("output")) {
    output = (*values)["output"].as<std::string>();
    if (output.empty()) throw InputError("--output needs a file");
  } else if (format == "html") {
    if (sources.folders.size() != 1 || !sources.csv.empty()) {
      throw InputError(
          "--format html of several run folders, or of a CSV, needs a file: --output FILE");
    }
    output = (sources.folders[0].path() / "report.html").string();
  }
  const results::Report report(sources);
  if (values->count("figures")) write_figures(report, (*values)["figures"].as<std::string>());
  if (output.empty()) {
    // Whoever asks for figures and names no format gets these alone.
    const bool asked = !(*values)["format"].defaulted() || !values->count("figures");
    if (asked) std::fputs(report.in(format).c_str(), stdout);
  } else {
    write(output, report.in(format));
    std::printf("%s\n", output.c_str());
  }
  return Exit::done;
}

}  // namespace emosweep::launcher
