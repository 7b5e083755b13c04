#include "data/corpora.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "data/description_reader.h"
#include "data/table.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 1'000'000;
const char* const kMark = "# Written by emosweep prepare ";

struct Corpus {
  const char* name;
  const char* title;  // for the description
  std::vector<NamedField> (*fields)(const std::string& stem, std::string& why);
  const char* emotions;
  const char* metadata;
  const char* note;  // how to select, as a comment
};

const std::vector<Corpus>& corpora() {
  static const std::vector<Corpus> known{
      {"ravdess", "RAVDESS (Livingstone and Russo 2018, CC BY-NC-SA 4.0)", ravdess_fields,
       "neutral, calm, happy, sad, angry, fearful, disgust, surprised",
       "gender, intensity, statement, repetition, channel",
       "where: {channel: speech} in the experiment leaves songs out; neutral is of normal "
       "intensity "
       "only."},
      {"emodb", "EmoDB (Burkhardt et al. 2005)", emodb_fields,
       "angry, bored, disgust, fearful, happy, neutral, sad", "gender, statement, version",
       "The emotions are acted on ten sentences; not every actor has every one."}};
  return known;
}

bool is_media(const fs::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  static const std::set<std::string> known{".wav",  ".flac", ".mp3", ".ogg",
                                           ".opus", ".m4a",  ".mp4", ".webm"};
  return known.contains(extension);
}

// Paths of media files relative to the folder, sorted: the same on every file system.
std::vector<std::string> media_below(const fs::path& folder) {
  std::error_code code;
  if (!fs::is_directory(folder, code))
    throw InputError(folder.string() + " is no folder; name the one that holds the recordings");
  std::vector<std::string> found;
  const auto options = fs::directory_options::skip_permission_denied;
  for (auto at = fs::recursive_directory_iterator(folder, options, code);
       !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
    if (!is_media(at->path()) || !at->is_regular_file(code)) continue;
    found.push_back(at->path().lexically_relative(folder).string());
    if (found.size() > kMostFiles)
      throw InputError(folder.string() + " holds more than " + std::to_string(kMostFiles) +
                       " media files: name the corpus's own folder");
  }
  if (code) throw InputError(folder.string() + " cannot be looked through: " + code.message());
  std::sort(found.begin(), found.end());
  return found;
}

std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// Of RAVDESS the sound of a film (01) is that of the recording without picture (03).
std::string identity_of(const std::string& corpus, const std::string& clip) {
  return corpus == "ravdess" ? clip.substr(2) : clip;
}

std::string description(const Corpus& corpus, const std::string& label,
                        const std::string& classes) {
  return kMark + std::string(corpus.name) + ": " + corpus.title + ".\n# " + corpus.note +
         "\nname: " + corpus.name + (label == "emotion" ? "" : "_" + label) +
         "\nsamples: " + corpus.name + ".csv\nid: clip\nlabel: {column: " + label + ", classes: [" +
         classes + "]}\ngroups: {actor: actor}\nmetadata: [" + corpus.metadata +
         "]\nmodalities:\n  statistics: {kind: statistics, column: path, sr: 16000, n_mels: 64}\n";
}

void claim(const fs::path& file) {
  std::error_code code;
  if (fs::exists(file, code) && !read_text(file).starts_with(kMark))
    throw InputError(file.string() +
                     " was not written by emosweep prepare: move it away, and it will be");
}

}  // namespace

std::vector<std::string> corpus_names() {
  std::vector<std::string> names;
  for (const Corpus& corpus : corpora()) names.emplace_back(corpus.name);
  return names;
}

PreparedCorpus prepare_corpus(const std::string& name, const fs::path& folder) {
  const auto known = std::find_if(corpora().begin(), corpora().end(),
                                  [&](const Corpus& corpus) { return name == corpus.name; });
  EMO_CHECK(known != corpora().end(), "a corpus is one of corpus_names()");
  const Corpus& corpus = *known;
  claim(folder / "dataset.yaml");
  claim(folder / "sentiment.yaml");
  PreparedCorpus done;
  const auto pass = [&done](const std::string& path, const std::string& why) {
    ++done.passed;
    if (done.passed_over.size() < 20) done.passed_over.push_back(path + ": " + why);
  };
  std::string header, why;
  std::map<std::string, std::pair<std::string, std::string>> rows;  // identity -> path, row
  std::set<std::string> actors;
  std::vector<std::string> paths = media_below(folder);
  // Recordings without picture first: they are the smaller files.
  std::stable_sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) {
    return a.ends_with(".mp4") < b.ends_with(".mp4");
  });
  for (const std::string& path : paths) {
    if (first_bad_byte(path) != std::string::npos) {
      pass(in_quotes(path), "its path is not UTF-8 text");
      continue;
    }
    const std::vector<NamedField> fields = corpus.fields(fs::path(path).stem().string(), why);
    if (fields.empty()) {
      pass(path, why);
      continue;
    }
    std::string row = cell(path), names = "path";
    for (const NamedField& field : fields) {
      row += "," + cell(field.value);
      names += "," + field.name;
    }
    const auto [same, fresh] =
        rows.try_emplace(identity_of(name, fields[0].value), path, row + "\n");
    if (!fresh) {
      pass(path, "the same recording as " + same->second.first);
      continue;
    }
    header = names + "\n";
    actors.insert(fields[1].value);
  }
  if (rows.empty())
    throw InputError(folder.string() + " holds no recording with a name of " + corpus.title + " (" +
                     (why.empty() ? "there are no media files at all" : why) + ")");
  done.recordings = static_cast<std::int64_t>(rows.size());
  done.actors = static_cast<std::int64_t>(actors.size());

  std::string table = header;
  for (const auto& [clip, row] : rows) table += row.second;
  commit_file(folder / (std::string(corpus.name) + ".csv"), table, "corpus");
  commit_file(folder / "sentiment.yaml",
              description(corpus, "sentiment", "negative, neutral, positive"), "corpus");
  commit_file(folder / "dataset.yaml", description(corpus, "emotion", corpus.emotions), "corpus");
  return done;
}

}  // namespace emosweep::data
