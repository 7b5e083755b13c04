#include "launcher/run_argument.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

void add_run_argument(CommandLine& line, int most) {
  line.hidden.add_options()("dir", po::value<std::vector<std::string>>(), "run folder");
  line.positional.add("dir", most);
}

std::vector<results::RunFolder> run_arguments(const po::variables_map& values,
                                              const std::string& command) {
  if (!values.count("dir")) {
    throw InputError("which run folder? Write it after the command: emosweep " + command + " DIR");
  }
  std::vector<results::RunFolder> folders;
  for (const std::string& dir : values["dir"].as<std::vector<std::string>>()) {
    if (!std::filesystem::is_directory(dir)) throw InputError(dir + ": no such folder");
    if (!std::filesystem::exists(std::filesystem::path(dir) / "plan.json")) {
      throw InputError(dir + ": no run folder (it has no plan.json)");
    }
    folders.emplace_back(dir);
  }
  return folders;
}

results::RunFolder run_argument(const po::variables_map& values, const std::string& command) {
  return run_arguments(values, command).front();
}

}  // namespace emosweep::launcher
