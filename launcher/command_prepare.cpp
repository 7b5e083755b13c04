#include <cstdio>

#include "base/canonical.h"
#include "data/synthetic.h"
#include "launcher/command_line.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

namespace {

std::string default_text(double value) { return number_text(value); }
std::string default_text(std::int64_t value) { return std::to_string(value); }
std::string default_text(std::uint64_t value) { return std::to_string(value); }

}  // namespace

Exit prepare_command(const Arguments& arguments) {
  data::SyntheticOptions options;
  CommandLine line;
  line.name = "prepare";
  line.usage = "prepare synthetic DIR [options]";
  line.about =
      "Makes a dataset folder. synthetic: subjects, two modalities, missing values and known "
      "effects;\n"
      "the same options give the same bytes.";
  line.hidden.add_options()("what", po::value<std::string>(), "name")(
      "dir", po::value<std::string>(), "folder");
  line.positional.add("what", 1).add("dir", 1);
  const auto add = [&line](const char* name, auto& value, const char* help) {
    using Type = std::remove_reference_t<decltype(value)>;
    line.options.add_options()(
        name, po::value<Type>(&value)->default_value(value, default_text(value)), help);
  };
  add("subjects", options.subjects, "subjects");
  add("samples", options.samples_per_subject, "samples of each subject");
  add("classes", options.classes, "classes");
  add("audio-width", options.audio_width, "columns of the modality audio");
  add("visual-width", options.visual_width, "columns of the modality visual");
  add("audio-effect", options.audio_effect,
      "how far apart the classes are in audio; 0: not at all");
  add("visual-effect", options.visual_effect, "the same of visual");
  add("subject-effect", options.subject_effect, "how far apart the subjects are");
  add("missing", options.missing_cells, "fraction of cells that are empty");
  add("missing-modality", options.missing_modality,
      "fraction of samples that lack audio, and as many visual");
  add("seed", options.seed, "seed");
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  if (!values->count("what") || !values->count("dir")) {
    throw InputError("emosweep prepare needs a name and a folder: emosweep prepare synthetic DIR");
  }
  const std::string what = (*values)["what"].as<std::string>();
  if (what != "synthetic") {
    const std::string near = nearest(what, {"synthetic"});
    throw InputError("emosweep prepare: there is no '" + what + "'" +
                     (near.empty() ? "" : ": did you mean '" + near + "'?") +
                     " What exists: synthetic");
  }
  const std::string dir = (*values)["dir"].as<std::string>();
  data::write_synthetic(options, dir);
  std::printf("%s\n", dir.c_str());
  return Exit::done;
}

}  // namespace emosweep::launcher
