#include "results/subjects.h"

#include <algorithm>
#include <map>
#include <set>

namespace emosweep::results {
namespace {

using BySubject =
    std::map<std::string, const Confusion*, bool (*)(const std::string&, const std::string&)>;

class Builder {
 public:
  // "" or why the row's subjects cannot be told.
  std::string add(const Row& row) {
    tested_.push_back(tested_fold(row));
    BySubject& own = seeds_.try_emplace(row.cell.seed, natural_less).first->second;
    if (!row.cell.group.empty()) {
      place(own, row.cell.group, row.confusion);
    } else if (!row.subjects.empty()) {
      for (const auto& [subject, confusion] : row.subjects) place(own, subject, confusion);
    } else {
      return "no group tells subjects apart (where each row stands for itself, an experiment says "
             "'group: id'), or a fold of several kept no predictions";
    }
    return "";
  }

  SubjectTable finish() {
    SubjectTable table;
    for (const auto& [seed, own] : seeds_) {
      std::vector<std::string> subjects;
      for (const auto& [subject, confusion] : own) {
        subjects.push_back(subject);
        table.counts.cells.push_back(confusion);
      }
      if (table.seeds.empty()) table.subjects = subjects;
      if (subjects != table.subjects) return absent("seeds test different subjects");
      table.seeds.push_back(seed);
    }
    if (table.seeds.empty()) return absent("no seed is complete");
    if (table.subjects.size() < 2) return absent("there are fewer than two subjects");
    table.counts.seeds = table.seeds.size();
    table.counts.subjects = table.subjects.size();
    table.sums = std::move(sums_);
    std::sort(tested_.begin(), tested_.end(), [](const TestedFold& a, const TestedFold& b) {
      return a.seed != b.seed ? a.seed < b.seed : natural_less(a.fold, b.fold);
    });
    table.tested = std::move(tested_);
    return table;
  }

  static SubjectTable absent(const std::string& why) {
    SubjectTable table;
    table.absent_because = why;
    return table;
  }

 private:
  void place(BySubject& own, const std::string& subject, const Confusion& confusion) {
    const auto [found, is_new] = own.emplace(subject, &confusion);
    if (is_new) return;
    Confusion& sum = sums_.emplace_back(*found->second);
    sum += confusion;
    found->second = &sum;
  }

  std::map<std::uint64_t, BySubject> seeds_;
  std::deque<Confusion> sums_;
  std::vector<TestedFold> tested_;
};

}  // namespace

SubjectTable subject_table(const std::vector<const Row*>& rows) {
  std::set<std::uint64_t> incomplete;
  for (const Row* row : rows) {
    if (!row->done()) incomplete.insert(row->cell.seed);
  }
  Builder builder;
  for (const Row* row : rows) {
    if (incomplete.count(row->cell.seed)) continue;
    const std::string problem = builder.add(*row);
    if (!problem.empty()) return Builder::absent(problem);
  }
  return builder.finish();
}

}  // namespace emosweep::results
