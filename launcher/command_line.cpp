#include "launcher/command_line.h"

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/parsers.hpp>
#include <cstdio>
#include <set>
#include <sstream>

#include "launcher/key_table.h"
#include "launcher/run_version.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

namespace {

constexpr std::uint64_t kMostSeeds = 1'000'000;

const std::vector<std::pair<std::string, std::string>>& commands() {
  static const std::vector<std::pair<std::string, std::string>> list = {
      {"plan", "check an experiment file and its data, expand and estimate; touches no device"},
      {"run", "train what the plan holds and the run folder lacks (alone or under mpirun, srun)"},
      {"resume", "the same for a run folder whose file and options are remembered"},
      {"status", "done, running, failed, left of a run folder"},
      {"report", "scores per experiment and condition from a run folder"},
      {"verify", "re-check every record and that summary.h5 follows from them"},
      {"predict", "labels and probabilities for new samples from a kept model"},
      {"prepare", "make a dataset folder, such as a synthetic one"}};
  return list;
}

std::string known_option_near(const po::options_description& all, const std::string& written) {
  std::vector<std::string> names;
  for (const auto& option : all.options()) {
    if (!option->long_name().empty()) names.push_back("--" + option->long_name());
  }
  return nearest(written, names);
}

std::string help_of(const CommandLine& line, const po::options_description& common) {
  std::ostringstream out;
  out << "usage: emosweep " << line.usage << "\n" << line.about << "\n\n";
  if (!line.options.options().empty()) out << line.options << "\n";
  out << common;
  return out.str();
}

std::uint64_t parse_seed(const std::string& word, const std::string& whole) {
  const bool digits =
      !word.empty() && word.size() <= 18 &&
      std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    throw InputError("--seeds '" + whole + "': '" + word +
                     "' is no seed; write 1,2,3 or 1-5 (whole numbers from 0)");
  }
  return std::stoull(word);
}

}  // namespace

std::optional<po::variables_map> parse(const CommandLine& line, const Arguments& arguments) {
  po::options_description common("Common options");
  common.add_options()("help,h", "print this help")("version", "print the version")(
      "verbose,v", "say more")("quiet,q", "say warnings and errors only");
  po::options_description all;
  all.add(line.options).add(line.hidden).add(common);
  po::variables_map values;
  const std::string who = "emosweep " + line.name + ": ";
  try {
    // No guessing of abbreviated options: a later option must not change what a script means.
    const int style =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(line.positional)
                  .style(style)
                  .run(),
              values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    const std::string option = error.get_option_name();  // with its value where `=` joins them
    const std::string written = option.substr(0, option.find('='));
    const std::string near = known_option_near(all, written);
    throw InputError(who + "unknown option '" + written + "'" +
                     (near.empty() ? "" : ": did you mean '" + near + "'?") + " (emosweep " +
                     line.name + " --help lists them)");
  } catch (const po::too_many_positional_options_error&) {
    throw InputError(who + "too many arguments; usage: emosweep " + line.usage);
  } catch (const po::error& error) {
    throw InputError(who + error.what());
  }
  if (values.count("help")) {
    std::fputs(help_of(line, common).c_str(), stdout);
    return std::nullopt;
  }
  if (values.count("version")) {
    std::fputs(version_text().c_str(), stdout);
    return std::nullopt;
  }
  if (values.count("help-keys")) {
    std::fputs(keys_markdown().c_str(), stdout);
    return std::nullopt;
  }
  log::Options options;
  options.level = log_level(values);
  log::configure(options);
  return values;
}

log::Level log_level(const po::variables_map& values) {
  if (values.count("quiet")) return log::Level::warning;
  return values.count("verbose") ? log::Level::debug : log::Level::info;
}

void add_plan_options(CommandLine& line) {
  line.hidden.add_options()("file", po::value<std::string>(), "experiment file");
  line.positional.add("file", 1);
  line.options.add_options()("experiment,e", po::value<std::vector<std::string>>()->composing(),
                             "an experiment of the file, by name (repeatable)");
  line.options.add_options()("all", "every experiment of the file");
  line.options.add_options()("seeds", po::value<std::string>(),
                             "1,2,3 or 1-5: instead of the file's seeds");
  line.options.add_options()(
      "set", po::value<std::vector<std::string>>()->composing(),
      "key=value for all selected experiments, after the merge (repeatable); "
      "replaces a grid axis of that name");
  line.options.add_options()("rehash", "read all data again instead of trusting remembered hashes");
  line.options.add_options()("help-keys", "print the table of keys of experiment files");
}

PlanOptions plan_options(const po::variables_map& values) {
  if (!values.count("file")) {
    throw InputError("which experiment file? Write it after the command: emosweep plan FILE");
  }
  PlanOptions options;
  options.file = values["file"].as<std::string>();
  options.all = values.count("all") > 0;
  options.rehash = values.count("rehash") > 0;
  if (values.count("experiment")) {
    options.experiments = values["experiment"].as<std::vector<std::string>>();
  }
  if (values.count("set")) options.set = values["set"].as<std::vector<std::string>>();
  if (values.count("seeds")) options.seeds = parse_seeds(values["seeds"].as<std::string>());
  if (options.all && !options.experiments.empty()) {
    throw InputError("--all and -e exclude each other: take one of them");
  }
  return options;
}

std::vector<std::uint64_t> parse_seeds(const std::string& text) {
  std::vector<std::uint64_t> seeds;
  std::set<std::uint64_t> seen;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, comma - begin);
    const std::size_t dash = word.find('-');
    const std::uint64_t first = parse_seed(word.substr(0, dash), text);
    const std::uint64_t last =
        dash == std::string::npos ? first : parse_seed(word.substr(dash + 1), text);
    if (last < first || last - first >= kMostSeeds) {
      throw InputError("--seeds '" + text + "': the range '" + word +
                       "' must ascend and hold at most a million seeds");
    }
    for (std::uint64_t seed = first; seed <= last; ++seed) {
      if (!seen.insert(seed).second) {
        throw InputError("--seeds '" + text + "': " + std::to_string(seed) + " stands there twice");
      }
      seeds.push_back(seed);
    }
    begin = comma + 1;
  }
  return seeds;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& [name, about] : commands()) names.push_back(name);
  return names;
}

std::string program_help() {
  std::ostringstream out;
  out << "emosweep: sweeps of multimodal emotion models over folds, seeds and grids\n\n"
         "usage: emosweep COMMAND ...            one rank\n"
         "       mpirun -np N emosweep run ...   N ranks\n\ncommands:\n";
  for (const auto& [name, about] : commands()) {
    out << "  " << name << std::string(10 - name.size(), ' ') << about << "\n";
  }
  out << "\nemosweep COMMAND --help tells more; emosweep run --help-keys lists the keys of\n"
         "experiment files. Exit codes: 0 done, 1 some trials failed, 2 wrong input, 3 could\n"
         "not go on, 75 stopped and resumable.\n";
  return out.str();
}

}  // namespace emosweep::launcher
