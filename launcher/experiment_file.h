// From the text of an experiment file to experiments with checked, typed settings. No data is read
// here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "launcher/key_table.h"

namespace emosweep::launcher {

// Where a setting comes from. Only what the experiment itself writes can be an error for never
// being read.
enum class Origin { own, inherited, command_line };

struct Setting {
  Value value;
  Place place;
  Origin origin = Origin::own;
};

struct Axis {
  Key key = Key::lr;
  Place place;
  bool own = true;            // the experiment writes the grid, not a template
  std::vector<Value> values;  // at least one, all different
};

struct Experiment {
  std::string name;
  Place place;
  std::map<Key, Setting> settings;  // what is written; defaults are not here
  std::vector<Axis> axes;           // in the order of the key table
};

// What the command line changes.
struct Overrides {
  std::vector<std::string> experiments;  // names; empty: the only one, or all
  bool all = false;
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> set;  // "key=value"
};

// Mistakes of a whole file: the same mistake in a template is one line that names all experiments
// that use it.
class FileMistakes {
 public:
  void add(const Place& place, const std::string& message, const std::string& experiment = "");
  void move_to(Mistakes& mistakes);  // in the order of the file
  bool empty() const { return found_.empty(); }

 private:
  struct Found {
    Place place;
    std::string message;
    std::vector<std::string> experiments;
  };
  std::vector<Found> found_;
};

// The selected experiments, in the order of the file. Every experiment of the file is checked, also
// those that are not selected. Throws InputError with all mistakes, each with its place and the
// experiments that use it.
std::vector<Experiment> read_experiments(const std::string& text, const std::string& file_name,
                                         const Overrides& overrides);

// Where a key is written: its own place, its axis, or the experiment's where it is only defaulted.
Place place_of(const Experiment& experiment, Key key);

// Mistakes of one set of resolved values that no single key shows: heads that do not divide
// hidden_size, a protocol without its group.
void check_together(const Values& values, const Experiment& experiment, FileMistakes& mistakes);

// Keys that the experiment itself writes though no value of its other keys could make a trial read
// them. modalities: the largest number of inputs of its conditions.
void check_possible(const Experiment& experiment, std::size_t modalities, FileMistakes& mistakes);

}  // namespace emosweep::launcher
