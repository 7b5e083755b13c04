#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <system_error>

#include "base/files.h"
#include "launcher/command_line.h"
#include "trainer/predict_table.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

namespace {

trainer::MemberWeights weights(const std::string& text) {
  if (text == "validation") return {true, {}};
  trainer::MemberWeights result;
  const char *at = text.data(), *const end = text.data() + text.size();
  while (true) {
    const auto read = std::from_chars(at, end, result.given.emplace_back());
    if (read.ec == std::errc() && read.ptr == end) return result;
    if (read.ec != std::errc() || *read.ptr != ',') {
      throw InputError("--weights '" + text +
                       "': expected 'validation' or a number for each model, such as 2,1");
    }
    at = read.ptr + 1;
  }
}

double seconds(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end || !std::isfinite(value) || !(value > 0)) {
    throw InputError("--windows '" + text +
                     "': expected the seconds from the beginning of one window to that of the "
                     "next, a number above 0, such as 0.5");
  }
  return value;
}

}  // namespace

Exit predict_command(const Arguments& arguments) {
  CommandLine line;
  line.name = "predict";
  line.usage =
      "predict MODEL... --data DATASET [--weights validation | W,W...] [--windows SECONDS] "
      "[--embeddings] [--id ID]... [-o FILE]";
  line.about =
      "Labels and probabilities, or embeddings, for the rows of a dataset, as CSV, from a model "
      "that save_models kept, or the mean probabilities of several, such as all seeds of one.";
  line.hidden.add_options()("model", po::value<std::vector<std::string>>(), "model file");
  line.positional.add("model", -1);
  line.options.add_options()("data", po::value<std::string>(),
                             "a dataset.yaml or the folder that holds one");
  line.options.add_options()(
      "weights", po::value<std::string>(),
      "of several models: numbers in their order, such as 2,1, or 'validation': those that the "
      "validation rows in the run's records choose (default: all the same)");
  line.options.add_options()(
      "windows", po::value<std::string>(),
      "SECONDS: a line for every window of a recording, as long as the model's own; they begin so "
      "many seconds apart, the last ends with the recording (small_cnn, resnet18)");
  line.options.add_options()(
      "embeddings", "what the network's head reads, as embedding_0, ..., instead of labels");
  line.options.add_options()("id", po::value<std::vector<std::string>>()->composing(),
                             "only this row, by its id (repeatable; default: all)");
  line.options.add_options()("output,o", po::value<std::string>(),
                             "write the CSV there, not to stdout");
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  if (!values->count("model") || !values->count("data")) {
    throw InputError("emosweep predict needs a model and its data: emosweep " + line.usage);
  }
  trainer::PredictOptions options;
  if (values->count("id")) options.ids = (*values)["id"].as<std::vector<std::string>>();
  if (values->count("windows")) options.windows = seconds((*values)["windows"].as<std::string>());
  if (values->count("weights")) options.weights = weights((*values)["weights"].as<std::string>());
  options.embeddings = values->count("embeddings") > 0;
  std::ostringstream csv;  // whole or absent: an error in the last row leaves no half a table
  const auto names = (*values)["model"].as<std::vector<std::string>>();
  const std::vector<std::filesystem::path> models(names.begin(), names.end());
  trainer::predict_table(models, (*values)["data"].as<std::string>(), options, csv);
  if (values->count("output")) {
    commit_file((*values)["output"].as<std::string>(), csv.str(), "predictions");
  } else {
    std::cout << csv.str() << std::flush;
  }
  return Exit::done;
}

}  // namespace emosweep::launcher
