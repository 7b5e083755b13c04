// What the tests of data/ share: a folder that goes away, datasets in memory, the text of an
// InputError.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/dataset.h"

namespace emosweep::data {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "emosweep_data_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp: " + name);
    path = std::filesystem::canonical(name);
  }
  ~Folder() {
    std::error_code code;
    std::filesystem::remove_all(path, code);
  }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const auto file = path / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  std::filesystem::path path;
};

inline std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

inline std::string load_error(const Folder& folder, const RowSelection& selection = {}) {
  return error_of([&] { load_dataset(folder.path, selection); });
}

// `text` holds `part`; where it does not, the failure shows both.
inline ::testing::AssertionResult holds(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "not in the text: " << part << "\ntext: " << text;
}

inline const double kMissing = std::numeric_limits<double>::quiet_NaN();

// A description for a table with the columns id, who, emotion, f0, f1, g0, g1.
inline const char* const kDescription =
    "name: small\nsamples: t.csv\nid: id\nlabel: {column: emotion, classes: [calm, sad]}\n"
    "groups: {subject: who}\nmodalities:\n  audio: {kind: features, columns: [f0 .. f1]}\n"
    "  visual: {kind: features, columns: g*}\n";
inline const char* const kTable =
    "id,who,emotion,f0,f1,g0,g1\n"
    "a,1,calm,1,2,3,4\n"
    "b,1,sad,2,3,4,5\n"
    "c,2,calm,,NA,5,6\n"
    "d,2,sad,4,nan,6,7\n";

}  // namespace emosweep::data
