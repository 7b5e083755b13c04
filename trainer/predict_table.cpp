#include "trainer/predict_table.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <functional>
#include <numeric>
#include <ostream>
#include <span>
#include <unordered_map>

#include "base/error.h"
#include "base/log.h"
#include "data/window_images.h"
#include "trainer/predict.h"
#include "trainer/predict_input.h"
#include "trainer/saved_network.h"
#include "trainer/text_embedder.h"

namespace emosweep::trainer {
namespace {

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

template <class Number>
std::string shortest(Number value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

std::vector<std::int32_t> rows_of(const data::Dataset& dataset,
                                  const std::vector<std::string>& ids) {
  std::vector<std::int32_t> rows(ids.empty() ? dataset.id.size() : ids.size());
  std::iota(rows.begin(), rows.end(), 0);
  if (ids.empty()) return rows;
  std::unordered_map<std::string, std::int32_t> place;
  for (std::size_t r = 0; r < dataset.id.size(); ++r)
    place[dataset.id[r]] = static_cast<std::int32_t>(r);
  Mistakes mistakes;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = place.find(ids[i]);
    if (found == place.end()) {
      mistakes.add(dataset.description.string() + ": no sample has the id " + ids[i]);
    } else {
      rows[i] = found->second;
    }
  }
  mistakes.throw_if_any();
  return rows;
}

void check(const ModelFile& model, const std::string& file, const PredictOptions& options) {
  const std::string is = file + " is of model: " + model.model.model;
  if (options.windows && !models::is_image_model(model.model.model)) {
    throw InputError("--windows: " + is +
                     ", which reads features; windows are cut for small_cnn and resnet18, which "
                     "read one modality of kind audio");
  }
  if (options.embeddings && model.model.model == "linear") {
    throw InputError("--embeddings: " + is +
                     ", which has none: it reads the features themselves; take a network (mlp, "
                     "small_cnn, resnet18)");
  }
}

// One a number of target_width; none of regression.
std::vector<std::string> probability_names(const ModelFile& model) {
  if (model.kind == TargetKind::single) return model.classes;
  if (model.kind == TargetKind::multi) return model.outputs;
  std::vector<std::string> names;
  for (const std::string& aspect : model.outputs)
    for (const std::string& name : model.classes) names.push_back(aspect + "_" + name);
  return names;
}

void write_label_header(const ModelFile& model, std::ostream& csv) {
  if (model.outputs.empty()) csv << ",predicted";
  for (const std::string& name : model.outputs) csv << ',' << csv_cell("predicted_" + name);
  for (const std::string& name : probability_names(model))
    csv << ',' << csv_cell("probability_" + name);
  csv << '\n';
}

void write_label(const ModelFile& model, std::span<const std::int32_t> predicted,
                 std::span<const float> probability, std::ostream& csv) {
  for (const std::int32_t label : predicted) {
    csv << ',';
    if (model.kind == TargetKind::multi)
      csv << label;
    else
      csv << csv_cell(model.classes[static_cast<std::size_t>(label)]);
  }
  for (const float p : probability) csv << ',' << shortest(p);
  csv << '\n';
}

void write_values(std::span<const double> values, std::ostream& csv) {
  for (const double value : values) csv << ',' << shortest(value);
  csv << '\n';
}

// Of one row, logits: of every member.
void write_logits(const PredictEnsemble& ensemble, std::span<const std::span<const double>> logits,
                  std::ostream& csv) {
  const ModelFile& model = ensemble.first();
  const TargetSpec target = model.target_spec();
  std::vector<std::vector<double>> values;
  std::vector<std::vector<float>> probability;
  std::vector<std::span<const float>> all;
  for (std::size_t m = 0; m < logits.size(); ++m) {
    values.emplace_back(logits[m].begin(), logits[m].end());
    if (model.kind == TargetKind::regression) continue;
    probability.emplace_back(logits[m].size());
    probabilities_row(target, logits[m], ensemble.members[m].model.temperature,
                      probability.back().data());
  }
  if (model.kind == TargetKind::regression) return write_values(ensemble.mean(values), csv);
  if (logits.size() > 1) {
    for (const auto& own : probability) all.emplace_back(own);
    const std::vector<float> mixed = ensemble.mixture(all);
    return write_label(model, ensemble.predicted(mixed), mixed, csv);
  }
  std::vector<std::int32_t> predicted(static_cast<std::size_t>(target_outputs(target)));
  predict_row(target, logits[0], probability[0], model.thresholds, predicted.data());
  write_label(model, predicted, probability[0], csv);
}

void write_embedding(const ModelFile& model, std::span<const double> embedding, bool present,
                     std::ostream& csv) {
  const bool single = model.model.dtype == at::kFloat;
  for (const double x : embedding) {
    csv << ',';
    if (present) csv << (single ? shortest(static_cast<float>(x)) : shortest(x));
  }
  csv << '\n';
}

// The rows or windows that a network is asked about, in order.
struct Asked {
  std::size_t count = 0;
  std::function<data::Batch(std::size_t member, std::size_t first, std::size_t n)> batch;
  std::function<void(std::size_t i)> write_name;  // the first cells of its line
  std::function<bool(std::size_t i)> present;     // it has something that the model reads
};

// Batch by batch: what is in memory does not grow with how many there are.
void write_answers(const Asked& asked, const PredictEnsemble& ensemble, bool embeddings,
                   std::ostream& csv) {
  const ModelFile& model = ensemble.first();
  std::vector<SavedNetwork> networks;
  for (const SavedModel& member : ensemble.members)
    networks.emplace_back(member.model, member.file);
  constexpr auto kRows = static_cast<std::size_t>(kEvaluationRows);
  for (std::size_t first = 0; first == 0 || first < asked.count; first += kRows) {
    const std::size_t n = std::min(kRows, asked.count - first);
    std::vector<Answers> answers;
    for (std::size_t m = 0; m < networks.size(); ++m)
      answers.push_back(networks[m](asked.batch(m, first, n), static_cast<std::int64_t>(n)));
    const std::size_t width = answers[0].width;
    const auto C = static_cast<std::size_t>(model.model.classes);
    if (first == 0 && !embeddings) write_label_header(model, csv);
    if (first == 0 && embeddings) {
      for (std::size_t h = 0; h < width; ++h) csv << ",embedding_" << h;
      csv << '\n';
    }
    for (std::size_t i = 0; i < n; ++i) {
      asked.write_name(first + i);
      if (embeddings) {
        write_embedding(model, std::span(answers[0].embedding).subspan(i * width, width),
                        asked.present(first + i), csv);
        continue;
      }
      std::vector<std::span<const double>> logits;
      for (const Answers& own : answers) logits.push_back(std::span(own.logits).subspan(i * C, C));
      write_logits(ensemble, logits, csv);
    }
  }
}

bool same_windows(const std::vector<data::ClipWindow>& a, const std::vector<data::ClipWindow>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.row == y.row && x.start == y.start && x.end == y.end;
  });
}

void write_windows(const PredictEnsemble& ensemble, const data::Dataset& dataset,
                   std::span<const std::int32_t> rows, const PredictOptions& options,
                   std::ostream& csv) {
  std::deque<PredictInput> inputs;  // images point into them
  std::vector<data::WindowImages> images;
  std::vector<std::vector<data::ClipWindow>> of_member;
  for (const SavedModel& member : ensemble.members) {
    const PredictInput& input = inputs.emplace_back(member.model, dataset);
    images.push_back(input.windows());
    try {
      of_member.push_back(data::windows_of(input.clips(), rows, *options.windows));
    } catch (const InputError& error) {
      throw InputError("--windows: " + dataset.description.string() + ": " + error.what());
    }
    if (!same_windows(of_member.front(), of_member.back())) {
      throw InputError("--windows: " + member.file + " cuts other windows than " +
                       ensemble.members[0].file +
                       "; models that answer together have windows of one length and step");
    }
  }
  const std::vector<data::ClipWindow>& windows = of_member.front();
  const auto batch = [&](std::size_t member, std::size_t first, std::size_t n) {
    return images[member].batch(std::span(of_member[member]).subspan(first, n), kEvaluationRows,
                                ensemble.members[member].model.model.dtype);
  };
  const auto name = [&](std::size_t i) {
    const data::ClipWindow& window = windows[i];
    csv << csv_cell(dataset.id[static_cast<std::size_t>(window.row)]) << ','
        << shortest(window.start) << ',' << shortest(window.end);
  };
  csv << "id,start,end";
  write_answers({windows.size(), batch, name, [](std::size_t) { return true; }}, ensemble,
                options.embeddings, csv);
}

void write_embeddings(const PredictEnsemble& one, const data::Dataset& dataset,
                      std::span<const std::int32_t> rows, std::ostream& csv) {
  const PredictInput input(one.first(), dataset);
  const data::FoldTensors* folds[] = {&input.fold()};
  const auto batch = [&](std::size_t, std::size_t first, std::size_t n) {
    const auto own = rows.subspan(first, n);
    const std::vector<std::int64_t> order[] = {{own.begin(), own.end()}};
    data::Batch some = std::move(evaluation_rows(folds, order).batches.at(0));
    data::add_views(some, input.fold());
    return some;
  };
  const auto name = [&](std::size_t i) {
    csv << csv_cell(dataset.id[static_cast<std::size_t>(rows[i])]);
  };
  const auto present = [&](std::size_t i) { return input.present(rows[i]); };
  csv << "id";
  write_answers({rows.size(), batch, name, present}, one, true, csv);
}

Predictions predict_all(const PredictEnsemble& ensemble, const data::Dataset& dataset,
                        std::span<const std::int32_t> rows) {
  std::vector<Predictions> members;
  for (const SavedModel& member : ensemble.members)
    members.push_back(predict(member.model, dataset, rows, member.file));
  if (members.size() == 1) return std::move(members[0]);
  Predictions all;
  if (ensemble.first().kind == TargetKind::regression) {
    std::vector<std::vector<double>> values;
    for (Predictions& own : members) values.push_back(std::move(own.value));
    all.value = ensemble.mean(values);
    return all;
  }
  std::vector<std::span<const float>> probability;
  for (const Predictions& own : members) probability.emplace_back(own.probability);
  all.probability = ensemble.mixture(probability);
  all.predicted = ensemble.predicted(all.probability);
  return all;
}

void write_labels(const PredictEnsemble& ensemble, const data::Dataset& dataset,
                  std::span<const std::int32_t> rows, std::ostream& csv) {
  const Predictions done = predict_all(ensemble, dataset, rows);
  const ModelFile& model = ensemble.first();
  csv << "id";
  write_label_header(model, csv);
  const TargetSpec target = model.target_spec();
  const auto width = static_cast<std::size_t>(target_width(target));
  const auto outputs = static_cast<std::size_t>(target_outputs(target));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    csv << csv_cell(dataset.id[static_cast<std::size_t>(rows[i])]);
    if (model.kind == TargetKind::regression)
      write_values(std::span(done.value).subspan(i * outputs, outputs), csv);
    else
      write_label(model, std::span(done.predicted).subspan(i * outputs, outputs),
                  std::span(done.probability).subspan(i * width, width), csv);
  }
}

}  // namespace

void predict_table(std::span<const std::filesystem::path> model_files,
                   const std::filesystem::path& dataset_yaml, const PredictOptions& options,
                   std::ostream& csv) {
  const PredictEnsemble ensemble = read_ensemble(model_files, options.weights);
  for (const SavedModel& member : ensemble.members) check(member.model, member.file, options);
  if (options.embeddings && ensemble.members.size() > 1)
    throw InputError(
        "--embeddings: those of different networks have nothing in common; give one model");
  EncoderEmbedder embedder;
  const data::Loaded loaded =
      data::load_dataset(dataset_yaml, {}, nullptr, {}, data::Labels::ignored, &embedder);
  for (const std::string& warning : loaded.dataset.warnings) log::warning(warning);
  const std::vector<std::int32_t> rows = rows_of(loaded.dataset, options.ids);
  if (options.windows) {
    write_windows(ensemble, loaded.dataset, rows, options, csv);
  } else if (options.embeddings) {
    write_embeddings(ensemble, loaded.dataset, rows, csv);
  } else {
    write_labels(ensemble, loaded.dataset, rows, csv);
  }
}

}  // namespace emosweep::trainer
