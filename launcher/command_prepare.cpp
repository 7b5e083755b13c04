#include <algorithm>
#include <cstdio>

#include "base/canonical.h"
#include "base/log.h"
#include "data/corpora.h"
#include "data/synthetic.h"
#include "launcher/command_line.h"
#include "launcher/prepare_vocabulary.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

namespace {

std::string default_text(double value) { return number_text(value); }
std::string default_text(std::int64_t value) { return std::to_string(value); }
std::string default_text(std::uint64_t value) { return std::to_string(value); }

}  // namespace

namespace {

void prepare_recordings(const std::string& corpus, const std::string& dir) {
  const data::PreparedCorpus done = data::prepare_corpus(corpus, dir);
  log::info(std::to_string(done.recordings) + " recordings of " + std::to_string(done.actors) +
            " actors");
  for (const std::string& file : done.passed_over) log::warning("passed over " + file);
  if (done.passed > static_cast<std::int64_t>(done.passed_over.size()))
    log::warning("passed over in all: " + std::to_string(done.passed) + " media files");
}

}  // namespace

Exit prepare_command(const Arguments& arguments) {
  data::SyntheticOptions options;
  VocabularyWish wish;
  std::string dataset;
  CommandLine line;
  line.name = "prepare";
  line.usage = "prepare synthetic|ravdess|emodb|vocab DIR [options]";
  line.about =
      "Makes a dataset folder. synthetic: subjects, two modalities, missing values and known "
      "effects;\n"
      "the same options give the same bytes. ravdess, emodb: DIR holds the corpus as it is "
      "downloaded;\n"
      "what its file names say becomes a table, dataset.yaml (emotions) and sentiment.yaml. vocab: "
      "a "
      "tokenizer\n"
      "learned from a dataset's texts, with the config.json of an encoder for encoder_weights: "
      "random.";
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
  const std::size_t of_synthetic = line.options.options().size();
  line.options.add_options()("data", po::value<std::string>(&dataset),
                             "vocab: a dataset.yaml or its folder");
  line.options.add_options()("modality", po::value<std::string>(&wish.modality),
                             "vocab: of kind text, where there are several");
  add("size", wish.options.size, "vocab: pieces at most");
  add("min-count", wish.options.least_count, "vocab: how often pieces stand together to be merged");
  line.options.add_options()("keep-case", "vocab: capital letters stay as they are");
  line.options.add_options()("strip-accents", "vocab: accents are left out");
  add("hidden-size", wish.hidden_size, "vocab: of the encoder");
  add("layers", wish.layers, "vocab: of the encoder");
  add("heads", wish.heads, "vocab: of the encoder");
  add("positions", wish.positions, "vocab: tokens of a text at most, for the encoder");
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  if (!values->count("what") || !values->count("dir")) {
    throw InputError("emosweep prepare needs a name and a folder: emosweep prepare synthetic DIR");
  }
  const std::string what = (*values)["what"].as<std::string>();
  std::vector<std::string> names = data::corpus_names();
  const bool corpus = std::find(names.begin(), names.end(), what) != names.end();
  names.insert(names.begin(), {"synthetic", "vocab"});
  if (std::find(names.begin(), names.end(), what) == names.end()) {
    const std::string near = nearest(what, names);
    std::string known;
    for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
    throw InputError("emosweep prepare: there is no '" + what + "'" +
                     (near.empty() ? "" : ": did you mean '" + near + "'?") +
                     " What exists: " + known);
  }
  const std::string dir = (*values)["dir"].as<std::string>();
  for (std::size_t i = 0; i < line.options.options().size(); ++i) {
    const std::string name = line.options.options()[i]->long_name();
    const std::string owner = i < of_synthetic ? "synthetic" : "vocab";
    const auto given = values->find(name);
    if (given == values->end() || given->second.defaulted() || given->second.empty()) continue;
    const bool common = name == "help" || name == "version" || name == "verbose" || name == "quiet";
    if (owner != what && !common)
      throw InputError("emosweep prepare " + what + ": --" + name + " is an option of " + owner);
  }
  if (corpus) {
    prepare_recordings(what, dir);
  } else if (what == "vocab") {
    if (dataset.empty())
      throw InputError("emosweep prepare vocab needs --data: whose texts it learns from");
    wish.dataset = dataset;
    wish.options.text.lowercase = values->count("keep-case") == 0;
    wish.options.text.strip_accents = values->count("strip-accents") > 0;
    prepare_vocabulary(wish, dir);
  } else {
    data::write_synthetic(options, dir);
  }
  std::printf("%s\n", dir.c_str());
  return Exit::done;
}

}  // namespace emosweep::launcher
