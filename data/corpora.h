// Public corpora as they are downloaded: from official file names to a table and its descriptions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace emosweep::data {

struct PreparedCorpus {
  std::int64_t recordings = 0, actors = 0;
  std::vector<std::string> passed_over;  // "path: why", at most 20
  std::int64_t passed = 0;               // files that were passed over, media files only
};

std::vector<std::string> corpus_names();  // "ravdess", "emodb"

// Looks through `folder` for recordings with the corpus's official names and writes into it:
// <corpus>.csv, one row a recording with its path, emotion,
// sentiment, actor, gender and what else the name says; dataset.yaml, whose label is the emotion;
// sentiment.yaml, whose label is the sentiment. The same files give the same bytes. Of several
// recordings of one name the first path's is taken. InputError: no such recording, or the folder
// holds descriptions that this did not write.
PreparedCorpus prepare_corpus(const std::string& corpus, const std::filesystem::path& folder);

// What a name says, for tests: {column: value} in the table's order without path; empty with `why`
// where it is none of the corpus's. stem: the file name without its extension.
struct NamedField {
  std::string name, value;
};
std::vector<NamedField> ravdess_fields(const std::string& stem, std::string& why);
std::vector<NamedField> emodb_fields(const std::string& stem, std::string& why);

}  // namespace emosweep::data
