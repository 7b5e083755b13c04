#include "results/csv_columns.h"

#include "base/error.h"

namespace emosweep::results {
namespace {

const std::vector<std::string> kKnown{"experiment", "condition", "seed",      "fold",  "group",
                                      "sample",     "true",      "predicted", "score", "p_CLASS"};

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

CsvColumns csv_columns(const CsvReader& reader) {
  CsvColumns columns;
  std::optional<std::size_t> fold;
  Mistakes mistakes;
  const Place place{reader.file(), static_cast<int>(reader.line()), 0};
  const std::pair<const char*, std::optional<std::size_t>*> named[] = {
      {"experiment", &columns.experiment},
      {"condition", &columns.condition},
      {"seed", &columns.seed},
      {"fold", &fold},
      {"group", &columns.group},
      {"sample", &columns.sample},
      {"true", &columns.truth},
      {"predicted", &columns.predicted},
      {"score", &columns.score}};
  for (std::size_t i = 0; i < reader.header().size(); ++i) {
    const std::string& name = reader.header()[i];
    bool known = false;
    for (const auto& [own, column] : named) {
      if (name != own) continue;
      *column = i;
      known = true;
    }
    if (name.size() > 2 && name.starts_with("p_")) {
      columns.probabilities.emplace_back(name.substr(2), i);
      known = true;
    }
    if (known) continue;
    const std::string near = nearest(name, kKnown);
    mistakes.add(place, "column '" + name + "' is not known" +
                            (near.empty() ? "; these are: " + list_of(kKnown)
                                          : "; did you mean '" + near + "'?"));
  }
  const auto need = [&](bool there, const std::string& what) {
    if (!there) mistakes.add(place, what);
  };
  need(fold.has_value(), "column 'fold' is missing: which test part each row is of");
  if (columns.score) {
    need(
        !columns.truth && !columns.predicted && columns.probabilities.empty() && !columns.sample,
        "column 'score' is of a whole cell: no 'true', 'predicted', 'sample' or 'p_...' beside it");
  } else {
    need(columns.truth && columns.predicted,
         "columns 'true' and 'predicted' (or 'score', one a cell) are missing");
  }
  mistakes.throw_if_any();
  columns.fold = *fold;
  return columns;
}

}  // namespace emosweep::results
