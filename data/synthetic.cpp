#include "data/synthetic.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>
#include <vector>

#include "base/canonical.h"
#include "base/error.h"
#include "base/files.h"
#include "base/philox.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = "A synthetic dataset, made by emosweep.\n";

// Nearly normal with mean 0 and standard deviation 1: twelve uniform numbers, summed as integers
// (exact everywhere).
double nearly_normal(const StreamKey& key, std::uint64_t step, std::uint64_t index) {
  std::uint64_t sum = 0;
  for (std::uint64_t block = 0; block < 3; ++block)
    for (const std::uint32_t word : philox(key, step, 3 * index + block)) sum += word;
  return static_cast<double>(static_cast<std::int64_t>(sum) - 6 * (std::int64_t{1} << 32)) /
         4294967296.0;
}

double uniform(const StreamKey& key, std::uint64_t step, std::uint64_t index) {
  return philox(key, step, index)[0] / 4294967296.0;
}

std::string decimal(double value, int digits) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits);
  return std::string(text, end.ptr);
}

std::string padded(std::int64_t number) {
  const std::string text = std::to_string(number);
  return text.size() < 2 ? "0" + text : text;
}

std::vector<std::string> class_names(std::int64_t count) {
  std::vector<std::string> names{"neutral", "happy",   "sad",  "angry",
                                 "fearful", "disgust", "calm", "surprised"};
  for (std::int64_t i = static_cast<std::int64_t>(names.size()); i < count; ++i)
    names.push_back("emotion_" + padded(i + 1));
  names.resize(static_cast<std::size_t>(count));
  return names;
}

struct Part {
  std::string name, prefix;
  std::int64_t width;
  double effect;
};

std::vector<Part> parts_of(const SyntheticOptions& o) {
  return {{"audio", "a", o.audio_width, o.audio_effect},
          {"visual", "v", o.visual_width, o.visual_effect}};
}

double pattern(const StreamKey& key, const Part& part, std::int64_t emotion, std::int64_t column) {
  return part.effect * nearly_normal(derive(key, "class/" + part.name),
                                     static_cast<std::uint64_t>(emotion),
                                     static_cast<std::uint64_t>(column));
}

// Mean squared distance of two classes' means in units of the noise: what a perfect classifier that
// knows the subject has to go by.
double mean_distance(const StreamKey& key, const Part& part, std::int64_t classes) {
  double sum = 0;
  for (std::int64_t a = 0; a < classes; ++a)
    for (std::int64_t b = 0; b < a; ++b)
      for (std::int64_t i = 0; i < part.width; ++i) {
        const double difference = pattern(key, part, a, i) - pattern(key, part, b, i);
        sum += difference * difference;
      }
  return std::sqrt(sum / static_cast<double>(classes * (classes - 1) / 2));
}

void check(const SyntheticOptions& o) {
  Mistakes mistakes;
  const auto within = [&](const char* name, double value, double low, double high) {
    if (!(value >= low && value <= high))
      mistakes.add(std::string("synthetic: ") + name + " is " + number_text(value) +
                   "; it can be " + number_text(low) + " to " + number_text(high));
  };
  within("subjects", static_cast<double>(o.subjects), 3, 10'000);
  within("classes", static_cast<double>(o.classes), 2, 26);
  within("samples_per_subject", static_cast<double>(o.samples_per_subject),
         static_cast<double>(o.classes), 100'000);
  within("audio_width", static_cast<double>(o.audio_width), 1, 10'000);
  within("visual_width", static_cast<double>(o.visual_width), 1, 10'000);
  within("audio_effect", o.audio_effect, 0, 100);
  within("visual_effect", o.visual_effect, 0, 100);
  within("subject_effect", o.subject_effect, 0, 100);
  within("missing_cells", o.missing_cells, 0, .9);
  within("missing_modality", o.missing_modality, 0, .45);
  mistakes.throw_if_any();
}

// The last subjects test, those before them validate.
const char* split_of_subject(const SyntheticOptions& o, std::int64_t subject) {
  const std::int64_t test = std::max<std::int64_t>(1, o.subjects / 4);
  const std::int64_t validation = std::max<std::int64_t>(1, o.subjects / 6);
  if (subject >= o.subjects - test) return "test";
  return subject >= o.subjects - test - validation ? "validation" : "train";
}

std::string table(const SyntheticOptions& o, const StreamKey& key) {
  std::string text = "sample,subject,gender,intensity,split,emotion";
  const std::vector<Part> parts = parts_of(o);
  const std::vector<std::string> names = class_names(o.classes);
  std::vector<std::vector<double>> means;  // [part][class * width + column]
  for (const Part& part : parts) {
    std::vector<double>& mean = means.emplace_back();
    for (std::int64_t c = 0; c < o.classes; ++c)
      for (std::int64_t i = 0; i < part.width; ++i) mean.push_back(pattern(key, part, c, i));
    for (std::int64_t i = 0; i < part.width; ++i) text += "," + part.prefix + std::to_string(i);
  }
  text += "\n";
  const StreamKey whole = derive(key, "missing modality");
  for (std::int64_t s = 0; s < o.subjects; ++s) {
    for (std::int64_t n = 0; n < o.samples_per_subject; ++n) {
      const std::int64_t emotion = (n + s) % o.classes;
      const auto row = static_cast<std::uint64_t>(s * o.samples_per_subject + n);
      text += "s" + padded(s + 1) + "_" + padded(n + 1) + "," + padded(s + 1) + "," +
              (s % 2 == 0 ? "female" : "male") + "," + std::to_string(n / o.classes % 2 + 1) + "," +
              split_of_subject(o, s) + "," + names[static_cast<std::size_t>(emotion)];
      const double lot = uniform(whole, row, 0);
      for (std::size_t p = 0; p < parts.size(); ++p) {
        const Part& part = parts[p];
        const bool absent = p == 0 ? lot < o.missing_modality : lot > 1 - o.missing_modality;
        const StreamKey offset = derive(key, "subject/" + part.name);
        const StreamKey noise = derive(key, "noise/" + part.name);
        const StreamKey cell = derive(key, "missing cell/" + part.name);
        for (std::int64_t i = 0; i < part.width; ++i) {
          text += ",";
          const auto column = static_cast<std::uint64_t>(i);
          if (absent || uniform(cell, row, column) < o.missing_cells) continue;
          text += decimal(
              means[p][static_cast<std::size_t>(emotion * part.width + i)] +
                  o.subject_effect * nearly_normal(offset, static_cast<std::uint64_t>(s), column) +
                  nearly_normal(noise, row, column),
              4);
        }
      }
      text += "\n";
    }
  }
  return text;
}

std::string description(const SyntheticOptions& o) {
  std::string classes;
  for (const std::string& name : class_names(o.classes))
    classes += (classes.empty() ? "" : ", ") + name;
  const auto range = [](const Part& part) {
    const std::string last = part.prefix + std::to_string(part.width - 1);
    return part.width == 1 ? last : part.prefix + "0 .. " + last;
  };
  const std::vector<Part> parts = parts_of(o);
  return "name: synthetic\nsamples: samples.csv\nid: sample\nlabel: {column: emotion, classes: [" +
         classes +
         "]}\ngroups: {subject: subject}\nmetadata: [gender, intensity]\n"
         "splits: {column: split}\nmodalities:\n  audio:  {kind: features, columns: [" +
         range(parts[0]) + "]}\n  visual: {kind: features, columns: [" + range(parts[1]) + "]}\n";
}

std::string readme(const SyntheticOptions& o, const StreamKey& key) {
  std::string text = kMark;
  text +=
      "\nEvery cell is (class effect) * (a pattern of its class) + (subject effect) * (an "
      "offset of its\nsubject) + noise. Patterns, offsets and noise have mean 0 and standard "
      "deviation 1.\n\n";
  const auto line = [&](const std::string& name, const std::string& value) {
    text += name + ": " + value + "\n";
  };
  line("seed", std::to_string(o.seed));
  line("subjects", std::to_string(o.subjects));
  line("samples per subject", std::to_string(o.samples_per_subject));
  line("classes", std::to_string(o.classes) + ", balanced within each subject");
  for (const Part& part : parts_of(o))
    line(part.name, std::to_string(part.width) + " columns, class effect " +
                        number_text(part.effect) + ", mean distance of two classes " +
                        decimal(mean_distance(key, part, o.classes), 3) +
                        " standard deviations of the noise");
  line("subject effect", number_text(o.subject_effect));
  line("empty cells", number_text(o.missing_cells) + " of all");
  line("samples without audio, and as many without visual", number_text(o.missing_modality));
  text +=
      "\nSo: visual tells more than audio if its distance is larger, both together tell more "
      "than each\n(their patterns are independent), and `normalise: group` helps because it "
      "takes the subjects' offsets out.\ngender and intensity have no effect.\n";
  return text;
}

// A folder is ours if all it holds are our three files and the mark stands in README.txt.
void claim(const fs::path& folder) {
  std::error_code code;
  if (!fs::exists(folder, code)) return;
  const auto refuse = [&](const std::string& why) {
    throw InputError(folder.string() + " " + why +
                     "; give a folder that is empty or does not exist");
  };
  if (!fs::is_directory(folder, code)) refuse("is no folder");
  bool any = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name != "dataset.yaml" && name != "samples.csv" && name != "README.txt")
      refuse("holds '" + name + "', which is no part of a synthetic dataset");
    any = true;
  }
  const fs::path mark = folder / "README.txt";
  if (any && (!fs::is_regular_file(mark, code) || !read_text(mark).starts_with(kMark)))
    refuse("holds files that are not of a synthetic dataset");
}

}  // namespace

void write_synthetic(const SyntheticOptions& options, const fs::path& folder) {
  check(options);
  claim(folder);
  make_folders(folder);
  const StreamKey key = trial_key(options.seed, "synthetic");
  // The mark first: whenever this stops, the folder is known as ours.
  commit_file(folder / "README.txt", readme(options, key), "synthetic");
  commit_file(folder / "samples.csv", table(options, key), "synthetic");
  commit_file(folder / "dataset.yaml", description(options), "synthetic");
}

}  // namespace emosweep::data
