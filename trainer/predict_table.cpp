#include "trainer/predict_table.h"

#include <algorithm>
#include <charconv>
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

void write_logits(const ModelFile& model, std::span<const double> logits, std::ostream& csv) {
  if (model.kind == TargetKind::regression) return write_values(logits, csv);
  const TargetSpec target = model.target_spec();
  std::vector<float> probability(logits.size());
  probabilities_row(target, logits, model.temperature, probability.data());
  std::vector<std::int32_t> predicted(static_cast<std::size_t>(target_outputs(target)));
  predict_row(target, logits, probability, model.thresholds, predicted.data());
  write_label(model, predicted, probability, csv);
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
  std::function<data::Batch(std::size_t first, std::size_t n)> batch;
  std::function<void(std::size_t i)> write_name;  // the first cells of its line
  std::function<bool(std::size_t i)> present;     // it has something that the model reads
};

// Batch by batch: what is in memory does not grow with how many there are.
void write_answers(const Asked& asked, const ModelFile& model, const std::string& file,
                   bool embeddings, std::ostream& csv) {
  SavedNetwork network(model, file);
  constexpr auto kRows = static_cast<std::size_t>(kEvaluationRows);
  for (std::size_t first = 0; first == 0 || first < asked.count; first += kRows) {
    const std::size_t n = std::min(kRows, asked.count - first);
    const Answers answers = network(asked.batch(first, n), static_cast<std::int64_t>(n));
    const std::size_t width = answers.width;
    const auto C = static_cast<std::size_t>(model.model.classes);
    if (first == 0 && !embeddings) write_label_header(model, csv);
    if (first == 0 && embeddings) {
      for (std::size_t h = 0; h < width; ++h) csv << ",embedding_" << h;
      csv << '\n';
    }
    for (std::size_t i = 0; i < n; ++i) {
      asked.write_name(first + i);
      if (embeddings) {
        write_embedding(model, std::span(answers.embedding).subspan(i * width, width),
                        asked.present(first + i), csv);
      } else {
        write_logits(model, std::span(answers.logits).subspan(i * C, C), csv);
      }
    }
  }
}

void write_windows(const ModelFile& model, const std::string& file, const data::Dataset& dataset,
                   std::span<const std::int32_t> rows, const PredictOptions& options,
                   std::ostream& csv) {
  const PredictInput input(model, dataset);
  const data::WindowImages images = input.windows();
  std::vector<data::ClipWindow> windows;
  try {
    windows = data::windows_of(input.clips(), rows, *options.windows);
  } catch (const InputError& error) {
    throw InputError("--windows: " + dataset.description.string() + ": " + error.what());
  }
  const auto batch = [&](std::size_t first, std::size_t n) {
    return images.batch(std::span(windows).subspan(first, n), kEvaluationRows, model.model.dtype);
  };
  const auto name = [&](std::size_t i) {
    const data::ClipWindow& window = windows[i];
    csv << csv_cell(dataset.id[static_cast<std::size_t>(window.row)]) << ','
        << shortest(window.start) << ',' << shortest(window.end);
  };
  csv << "id,start,end";
  write_answers({windows.size(), batch, name, [](std::size_t) { return true; }}, model, file,
                options.embeddings, csv);
}

void write_embeddings(const ModelFile& model, const std::string& file, const data::Dataset& dataset,
                      std::span<const std::int32_t> rows, std::ostream& csv) {
  const PredictInput input(model, dataset);
  const data::FoldTensors* folds[] = {&input.fold()};
  const auto batch = [&](std::size_t first, std::size_t n) {
    const auto own = rows.subspan(first, n);
    const std::vector<std::int64_t> order[] = {{own.begin(), own.end()}};
    return std::move(evaluation_rows(folds, order).batches.at(0));
  };
  const auto name = [&](std::size_t i) {
    csv << csv_cell(dataset.id[static_cast<std::size_t>(rows[i])]);
  };
  const auto present = [&](std::size_t i) { return input.present(rows[i]); };
  csv << "id";
  write_answers({rows.size(), batch, name, present}, model, file, true, csv);
}

void write_labels(const ModelFile& model, const std::string& file, const data::Dataset& dataset,
                  std::span<const std::int32_t> rows, std::ostream& csv) {
  const Predictions done = predict(model, dataset, rows, file);
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

void predict_table(const std::filesystem::path& model_file,
                   const std::filesystem::path& dataset_yaml, const PredictOptions& options,
                   std::ostream& csv) {
  const std::string file = model_file.string();
  const ModelFile model = read_model(model_file);
  check(model, file, options);
  EncoderEmbedder embedder;
  const data::Loaded loaded =
      data::load_dataset(dataset_yaml, {}, nullptr, {}, data::Labels::ignored, &embedder);
  for (const std::string& warning : loaded.dataset.warnings) log::warning(warning);
  const std::vector<std::int32_t> rows = rows_of(loaded.dataset, options.ids);
  if (options.windows) {
    write_windows(model, file, loaded.dataset, rows, options, csv);
  } else if (options.embeddings) {
    write_embeddings(model, file, loaded.dataset, rows, csv);
  } else {
    write_labels(model, file, loaded.dataset, rows, csv);
  }
}

}  // namespace emosweep::trainer
