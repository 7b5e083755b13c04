#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/files.h"
#include "launcher/command_line.h"
#include "trainer/predict.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

Exit predict_command(const Arguments& arguments) {
  CommandLine line;
  line.name = "predict";
  line.usage = "predict MODEL --data DATASET [--id ID]... [-o FILE]";
  line.about =
      "Labels and probabilities for the rows of a dataset, as CSV, from a model that save_models "
      "kept.";
  line.hidden.add_options()("model", po::value<std::string>(), "model file");
  line.positional.add("model", 1);
  line.options.add_options()("data", po::value<std::string>(),
                             "a dataset.yaml or the folder that holds one");
  line.options.add_options()("id", po::value<std::vector<std::string>>()->composing(),
                             "only this row, by its id (repeatable; default: all)");
  line.options.add_options()("output,o", po::value<std::string>(),
                             "write the CSV there, not to stdout");
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  if (!values->count("model") || !values->count("data")) {
    throw InputError("emosweep predict needs a model and its data: emosweep " + line.usage);
  }
  std::vector<std::string> ids;
  if (values->count("id")) ids = (*values)["id"].as<std::vector<std::string>>();
  std::ostringstream csv;  // whole or absent: an error in the last row leaves no half a table
  trainer::predict_table((*values)["model"].as<std::string>(), (*values)["data"].as<std::string>(),
                         ids, csv);
  if (values->count("output")) {
    commit_file((*values)["output"].as<std::string>(), csv.str(), "predictions");
  } else {
    std::cout << csv.str() << std::flush;
  }
  return Exit::done;
}

}  // namespace emosweep::launcher
