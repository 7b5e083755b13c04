// Datasets and folds of a plan, each loaded once however many experiments use it. Internal to
// plan.cpp.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "data/hash_cache.h"
#include "launcher/experiment_file.h"
#include "launcher/plan.h"
#include "trainer/text_embedder.h"

namespace emosweep::launcher {

class PlanData {
 public:
  // folder: what relative dataset paths resolve against.
  PlanData(std::filesystem::path folder, data::HashCache& cache);

  // Fills planned.data, folds and split. False: something is wrong and stands in `mistakes`.
  bool load(PlannedExperiment& planned, const Experiment& experiment, FileMistakes& mistakes);

  // What `pretrained` names, where the values read it: the file, checked against the model.
  struct Pretrained {
    std::filesystem::path file;
    Digest digest;
  };
  std::optional<Pretrained> pretrained(const Values& values, const models::ModelOptions& model,
                                       const Experiment& experiment, FileMistakes& mistakes);

  // Fills what `encoder` names into a spec that reads it: the folder's options, checked with its
  // tokenizer and weights. Returns the hash of its files.
  std::optional<Digest> set_encoder(const Values& values, trainer::TrialSpec& spec,
                                    const Experiment& experiment, FileMistakes& mistakes);

 private:
  std::shared_ptr<const data::Loaded> dataset(const Experiment& experiment, const Values& values,
                                              FileMistakes& mistakes);

  std::filesystem::path folder_;
  data::HashCache& cache_;
  trainer::EncoderEmbedder embedder_;
  // nullptr: loading failed, and the mistakes are reported already.
  std::map<std::string, std::shared_ptr<const data::Loaded>> datasets_;
  std::map<std::string, std::shared_ptr<const data::Folds>> folds_;
  std::map<std::string, Digest> encoders_;  // folders whose files suit each other
  std::set<std::string>
      pretrained_;  // files with models that they suit, or whose mistakes are told
};

}  // namespace emosweep::launcher
