// A small dataset and experiment files for tests, in a folder of their own that goes with the
// object.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "launcher/plan.h"

namespace emosweep::launcher {

class SampleFiles {
 public:
  // subjects x 6 rows, 3 classes, modalities audio (2 columns) and visual (3), with a third (text)
  // on request.
  explicit SampleFiles(int subjects = 6, bool third = false) {
    static int number = 0;
    dir_ = std::filesystem::temp_directory_path() /
           ("emosweep_plan_" + std::to_string(::getpid()) + "_" + std::to_string(number++));
    std::filesystem::create_directories(dir_ / "data");
    std::ofstream table(dir_ / "data" / "samples.csv");
    table << "id,label,actor,gender,a0,a1,v0,v1,v2" << (third ? ",t0" : "") << "\n";
    for (int s = 0; s < subjects; ++s) {
      for (int i = 0; i < 6; ++i) {
        const int n = s * 6 + i;
        table << "r" << n << ","
              << "xyz"[i % 3] << ",s" << s << "," << (s % 2 ? "f" : "m") << "," << n * 0.5 << ","
              << (n % 7) - i * 0.25 << "," << n << "," << (n * n) % 11 << ","
              << (n == 4 ? "" : std::to_string(n % 5)) << (third ? "," + std::to_string(n % 4) : "")
              << "\n";
      }
    }
    write("data/dataset.yaml", std::string("name: tiny\nsamples: samples.csv\nid: id\n") +
                                   "label: {column: label, classes: [x, y, z]}\ngroups: {actor: "
                                   "actor}\nmetadata: [gender]\n" +
                                   "modalities:\n  audio: {kind: features, columns: [a0 .. a1]}\n" +
                                   "  visual: {kind: features, columns: [v0 .. v2]}\n" +
                                   (third ? "  text: {kind: features, columns: [t0]}\n" : ""));
  }
  ~SampleFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  SampleFiles(const SampleFiles&) = delete;
  SampleFiles& operator=(const SampleFiles&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name) << text;
    return dir_ / name;
  }
  PlanOptions options(const std::string& text) const {
    PlanOptions out;
    out.file = write("experiment.yaml", text);
    out.all = true;
    return out;
  }
  Plan plan(const std::string& text) const { return make_plan(options(text)); }
  const std::filesystem::path& dir() const { return dir_; }

  // The error of a plan, with this folder's path taken out of it; "" where there is none.
  std::string error(const PlanOptions& options) const {
    try {
      make_plan(options);
    } catch (const InputError& problem) {
      std::string text = problem.what();
      const std::string prefix = dir_.string() + "/";
      for (std::size_t at; (at = text.find(prefix)) != std::string::npos;)
        text.erase(at, prefix.size());
      return text;
    }
    return "";
  }
  std::string error(const std::string& text) const { return error(options(text)); }

 private:
  std::filesystem::path dir_;
};

// One experiment over the small dataset with further keys as lines "key: value".
inline std::string one_experiment(const std::string& keys) {
  std::string text =
      "experiments:\n  - name: one\n    dataset: data\n    protocol: loso\n    group: actor\n"
      "    validation_groups: 1\n";
  std::istringstream lines(keys);
  for (std::string line; std::getline(lines, line);) text += "    " + line + "\n";
  return text;
}

}  // namespace emosweep::launcher
