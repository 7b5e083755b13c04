// The CSVs of `emosweep predict`: embeddings against the head's own weights, windows against a loop
// over the spectrograms.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "data/audio/clips.h"
#include "synthetic.h"
#include "trainer/evaluate.h"
#include "trainer/fold_cache.h"
#include "trainer/predict_table.h"
#include "trainer/saved_network.h"

namespace emosweep::trainer {
namespace {

namespace fs = std::filesystem;

using Rows = std::vector<std::vector<std::string>>;  // a CSV without quotes, its header first

Rows rows_of(const std::string& csv) {
  Rows rows;
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) {
    rows.emplace_back();
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find(',', begin), line.size());
      rows.back().push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return rows;
}

std::vector<double> numbers(const std::vector<std::string>& cells, std::size_t first) {
  std::vector<double> values;
  for (std::size_t i = first; i < cells.size(); ++i) values.push_back(std::stod(cells[i]));
  return values;
}

at::Tensor tensor(const ModelFile& model, const std::string& name) {
  for (const auto& [own, value] : model.weights.tensors) {
    if (own == name) return value.to(at::kDouble);
  }
  throw std::runtime_error("no tensor " + name);
}

// softmax((W x + b) / T) of the head, by its definition. weight: [C,H].
std::vector<double> by_head(const ModelFile& model, const std::vector<double>& x) {
  at::Tensor weight = tensor(model, "head.weight"), bias = tensor(model, "head.bias").flatten();
  if (model.model.model == "mlp") weight = weight.t();
  EXPECT_EQ(weight.size(1), static_cast<std::int64_t>(x.size()));
  std::vector<double> p;
  double sum = 0;
  for (std::int64_t c = 0; c < weight.size(0); ++c) {
    double z = bias[c].item<double>();
    for (std::size_t h = 0; h < x.size(); ++h)
      z += weight[c][static_cast<std::int64_t>(h)].item<double>() * x[h];
    p.push_back(std::exp(z / model.temperature));
    sum += p.back();
  }
  for (double& one : p) one /= sum;
  return p;
}

void expect_near(const std::vector<double>& own, const std::vector<double>& expected) {
  ASSERT_EQ(own.size(), expected.size());
  for (std::size_t i = 0; i < own.size(); ++i) EXPECT_NEAR(own[i], expected[i], 2e-6);
}

struct PredictTable : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("emosweep_table_" + std::to_string(::getpid()));

  void SetUp() override {
    fs::create_directories(folder);
    setenv("EMOSWEEP_CACHE", (folder / "cache").c_str(), 1);
  }
  void TearDown() override {
    unsetenv("EMOSWEEP_CACHE");
    fs::remove_all(folder);
  }

  fs::path write(const std::string& name, const std::vector<std::uint8_t>& bytes) const {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return folder / name;
  }
  std::string text(const fs::path& model, const PredictOptions& options) const {
    std::ostringstream csv;
    predict_table({&model, 1}, folder / "dataset.yaml", options, csv);
    return csv.str();
  }
  Rows table(const fs::path& model, const PredictOptions& options) const {
    return rows_of(text(model, options));
  }
  std::string error(const fs::path& model, const PredictOptions& options) const {
    try {
      text(model, options);
    } catch (const InputError& e) {
      return e.what();
    }
    return "no InputError";
  }
};

// ---- networks over features

struct FeatureTable : PredictTable {
  data::Dataset dataset = test::dataset_of(60);
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = test::spec_of(dataset, fold);

  void SetUp() override {
    PredictTable::SetUp();
    std::ofstream csv(folder / "samples.csv");
    csv << "id,subject,a0,a1,a2,a3,a4,v0,v1,v2\n";
    csv.precision(17);
    for (std::size_t r = 0; r < dataset.id.size(); ++r) {
      csv << dataset.id[r] << ',' << dataset.groups[0].values[r];
      for (const data::Modality& m : dataset.modalities) {
        const auto width = static_cast<std::size_t>(m.width);
        for (std::size_t c = 0; c < width; ++c) {
          csv << ',';
          if (!std::isnan(m.values[r * width + c])) csv << m.values[r * width + c];
        }
      }
      csv << '\n';
    }
    std::ofstream(folder / "dataset.yaml")
        << "name: few\nsamples: samples.csv\nid: id\ngroups: {subject: subject}\nmodalities:\n"
           "  audio: {kind: features, columns: [a0 .. a4]}\n"
           "  visual: {kind: features, columns: [v0 .. v2]}\n";
  }

  fs::path trained() {
    FoldCache cache;
    Alone team;
    spec.save_models = true;
    spec.loop.epochs = 2;
    const Trained done = trained_or_throw(train_trials({&spec, 1}, cache, team, {})[0]);
    return write("model.safetensors", *done.weights);
  }
};

TEST_F(FeatureTable, EmbeddingsTimesTheHeadAreTheProbabilities) {
  using models::Fusion;
  using models::Kernels;
  for (const Fusion fusion : {Fusion::concat, Fusion::gated, Fusion::cross_attention}) {
    for (const Kernels kernels : {Kernels::torch, Kernels::fused}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(fusion)) + " " +
                   std::to_string(static_cast<int>(kernels)));
      spec.model.fusion = fusion;
      spec.model.kernels = kernels;
      spec.model.hidden_size = 12;
      spec.objective.loss_temperature = 3;
      const fs::path file = trained();
      const ModelFile model = read_model(file);
      const Rows plain = table(file, {}), embedded = table(file, {.embeddings = true});
      ASSERT_EQ(embedded.size(), 61u);
      ASSERT_EQ(embedded[0].size(), 13u);
      EXPECT_EQ(embedded[0][0], "id");
      EXPECT_EQ(embedded[0][1], "embedding_0");
      EXPECT_EQ(embedded[0][12], "embedding_11");
      for (std::size_t i = 1; i < plain.size(); ++i) {
        EXPECT_EQ(embedded[i][0], plain[i][0]);
        expect_near(by_head(model, numbers(embedded[i], 1)), numbers(plain[i], 2));
      }
      // Few rows in other places give the same text.
      const Rows few = table(file, {.ids = {"clip41", "clip3"}, .embeddings = true});
      EXPECT_EQ(few[1], embedded[42]);
      EXPECT_EQ(few[2], embedded[4]);
    }
  }
}

TEST_F(FeatureTable, RowsWithoutTheModelsModalityHaveEmptyCells) {
  spec.prepare.modalities = spec.model.inputs = {"visual"};
  spec.model.widths = {3};
  spec.model.fusion = models::Fusion::none;
  spec.model.dtype = at::kDouble;
  spec.model.hidden_size = 5;
  const Rows rows = table(trained(), {.embeddings = true});
  for (std::size_t r = 0; r < 60; ++r) {
    ASSERT_EQ(rows[r + 1].size(), 6u);
    for (std::size_t c = 1; c < 6; ++c) EXPECT_EQ(rows[r + 1][c].empty(), r % 7 == 0) << r;
  }
}

TEST_F(FeatureTable, WhatAModelCannotDoIsRefused) {
  const fs::path network = trained();
  EXPECT_NE(
      error(network, {.windows = 1}).find("--windows: " + network.string() + " is of model: mlp"),
      std::string::npos);
  spec.model.model = "linear";
  spec.objective.loss_temperature = 1;
  const fs::path linear = trained();
  EXPECT_NE(error(linear, {.embeddings = true}).find("--embeddings: " + linear.string()),
            std::string::npos);
  EXPECT_NE(error(linear, {.windows = 1}).find("is of model: linear"), std::string::npos);
}

// ---- networks over recordings

constexpr std::int64_t kBands = 8, kWindow = 51;  // .5 s of 10 ms each, and one

// 8 kHz, 16 bits: two tones that rise, so that no window is like another.
std::vector<std::uint8_t> rising(double seconds) {
  const auto n = static_cast<std::uint32_t>(seconds * 8000);
  std::vector<std::uint8_t> bytes(44 + 2 * n);
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  std::memcpy(bytes.data(), "RIFF", 4);
  put(4, static_cast<std::uint32_t>(36 + 2 * n));
  std::memcpy(bytes.data() + 8, "WAVEfmt ", 8);
  put(16, std::uint32_t{16});
  put(20, std::uint16_t{1});
  put(22, std::uint16_t{1});
  put(24, std::uint32_t{8000});
  put(28, std::uint32_t{16000});
  put(32, std::uint16_t{2});
  put(34, std::uint16_t{16});
  std::memcpy(bytes.data() + 36, "data", 4);
  put(40, 2 * n);
  for (std::uint32_t i = 0; i < n; ++i) {
    const double t = i / 8000.0;
    const double x = .3 * std::sin(2 * M_PI * (200 + 300 * t) * t) +
                     .1 * (1 + std::sin(5 * t)) * std::sin(2 * M_PI * (1500 - 200 * t) * t);
    put(44 + 2 * i, static_cast<std::int16_t>(32767 * x));
  }
  return bytes;
}

struct WindowTable : PredictTable {
  const std::vector<std::pair<std::string, double>> clips{
      {"short", .31}, {"exact", .5}, {"more", .53}, {"long", 3.117}, {"longer", 70}};
  models::ModelOptions options;

  void SetUp() override {
    PredictTable::SetUp();
    std::ofstream csv(folder / "clips.csv");
    csv << "id,path\n";
    for (const auto& [id, seconds] : clips) {
      write(id + ".wav", rising(seconds));
      csv << id << ',' << id << ".wav\n";
    }
    describe("max_seconds: 100");
    options.model = "small_cnn";
    options.inputs = {"wave"};
    options.widths = {kBands * kWindow};
    options.image_height = kBands;
    options.image_width = kWindow;
    options.classes = 3;
  }
  void describe(const std::string& more) const {
    std::ofstream(folder / "dataset.yaml")
        << "name: few\nsamples: clips.csv\nid: id\nmodalities:\n  wave: {kind: audio, column: "
           "path, sr: 8000, n_mels: 8, n_fft: 256, hop_length: 80, seconds: 0.5, "
        << more << "}\n";
  }
  data::Dataset dataset() const {
    return data::load_dataset(folder / "dataset.yaml", {}, nullptr, {}, data::Labels::ignored)
        .dataset;
  }
  // As if it had been trained: initial weights.
  fs::path saved(std::uint64_t seed = 7, const std::string& name = "model.safetensors",
                 std::vector<std::string> classes = {"a", "b", "c"}) const {
    const std::vector<StreamKey> keys{trial_key(seed, "fold")};
    const auto network = models::make_model(options, keys);
    data::AudioOptions audio = dataset().modalities[0].clips->options;
    audio.policy = {};  // of shorter recordings
    ModelFile model;
    model.id = model.canonical = model.dataset = model.target = "x";
    model.classes = std::move(classes);
    model.model = options;
    model.prepare = {{"wave"}, data::Normalise::train, ""};
    model.scalers = {{"wave",
                      data::band_names(audio),
                      std::vector<double>(8, -.25),
                      {1, 1.5, 2, 1, 1, .5, 1, 1}}};
    model.temperature = 2;
    model.weights = models::weights_of(*network, 0);
    return write(name, encode_model(model));
  }
};

// The probabilities of the window from frame `start`, one image alone in its batch.
std::vector<double> of_window(const ModelFile& model, const data::Clips& clips, std::int32_t clip,
                              std::int64_t start) {
  std::vector<float> image(static_cast<std::size_t>(kBands * kWindow));
  data::cut_window(clips.store->values(clip), kBands, start, kWindow, clips.options.window, image);
  at::Tensor x = at::zeros({1, kEvaluationRows, kBands * kWindow}, model.model.dtype);
  for (std::int64_t b = 0; b < kBands; ++b) {
    for (std::int64_t f = 0; f < kWindow; ++f) {
      const auto i = static_cast<std::size_t>(b * kWindow + f), band = static_cast<std::size_t>(b);
      x[0][0][b * kWindow + f] =
          (image[i] - model.scalers[0].mean[band]) * model.scalers[0].scale[band];
    }
  }
  data::Batch batch;
  batch.inputs.push_back({x, {}, {}});
  batch.weight = at::zeros({1, kEvaluationRows}, at::kDouble);
  batch.weight[0][0] = 1;
  batch.position = batch.sample = at::zeros({1, kEvaluationRows}, at::kLong);
  const Answers answers = SavedNetwork(model, "model")(batch, 1);
  double sum = 0;
  std::vector<double> p;
  for (const double z : answers.logits) p.push_back(std::exp(z / model.temperature));
  for (const double one : p) sum += one;
  for (double& one : p) one /= sum;
  return p;
}

TEST_F(WindowTable, HasALineForEveryWindow) {
  const fs::path file = saved();
  const ModelFile model = read_model(file);
  const data::Dataset loaded = dataset();
  const data::Clips& own = *loaded.modalities[0].clips;
  const Rows rows = table(file, {.windows = .2});
  EXPECT_EQ(rows[0], (std::vector<std::string>{"id", "start", "end", "predicted", "probability_a",
                                               "probability_b", "probability_c"}));
  std::size_t line = 1;
  for (std::size_t r = 0; r < clips.size(); ++r) {
    const auto& [id, seconds] = clips[r];
    const std::int64_t frames = own.store->rows(own.clip[r]);
    EXPECT_EQ(frames, 1 + static_cast<std::int64_t>(seconds * 8000) / 80);
    const std::int64_t last = std::max<std::int64_t>(0, frames - kWindow);
    std::vector<std::int64_t> starts;
    for (std::int64_t start = 0; start < last; start += 20) starts.push_back(start);
    starts.push_back(last);
    for (const std::int64_t start : starts) {
      ASSERT_LT(line, rows.size());
      const std::vector<std::string>& row = rows[line++];
      EXPECT_EQ(row[0], id);
      EXPECT_DOUBLE_EQ(std::stod(row[1]), static_cast<double>(start) / 100);
      EXPECT_DOUBLE_EQ(std::stod(row[2]),
                       start == last ? seconds : static_cast<double>(start) / 100 + .5);
      if (id != "longer" || start % 1000 == 0) {
        const std::vector<double> p = of_window(model, own, own.clip[r], start);
        expect_near(numbers(row, 4), p);
        const auto top = std::max_element(p.begin(), p.end()) - p.begin();
        EXPECT_EQ(row[3], model.classes[static_cast<std::size_t>(top)]);
      }
    }
  }
  EXPECT_EQ(line, rows.size());
}

TEST_F(WindowTable, SeveralModelsAnswerForEveryWindow) {
  const fs::path both[] = {saved(), saved(8, "other.safetensors")};
  const auto csv_of = [&](const PredictOptions& wish) {
    std::ostringstream csv;
    predict_table(both, folder / "dataset.yaml", wish, csv);
    return rows_of(csv.str());
  };
  const std::vector<std::string> ids{"long", "short"};
  const Rows one = table(both[0], {.ids = ids, .windows = .2});
  const Rows two = table(both[1], {.ids = ids, .windows = .2});
  const Rows mixed = csv_of({.ids = ids, .windows = .2, .weights = {false, {3, 1}}});
  ASSERT_EQ(mixed.size(), one.size());
  ASSERT_GT(mixed.size(), 10u);
  EXPECT_EQ(mixed[0], one[0]);
  double apart = 0;
  for (std::size_t i = 1; i < mixed.size(); ++i) {
    EXPECT_TRUE(std::equal(mixed[i].begin(), mixed[i].begin() + 3, one[i].begin()));
    const auto a = numbers(one[i], 4), b = numbers(two[i], 4), m = numbers(mixed[i], 4);
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(m[c], .75 * a[c] + .25 * b[c], 1e-6);
      apart = std::max(apart, std::abs(a[c] - b[c]));
    }
    const auto top = std::max_element(m.begin(), m.end()) - m.begin();
    EXPECT_EQ(mixed[i][3], std::string(1, static_cast<char>('a' + top)));
  }
  EXPECT_GT(apart, .01);
  const auto refused = [&](const PredictOptions& wish) -> std::string {
    try {
      csv_of(wish);
    } catch (const InputError& e) {
      return e.what();
    }
    return "no InputError";
  };
  EXPECT_NE(refused({.weights = {false, {0, 0}}}).find("all are 0"), std::string::npos);
  EXPECT_NE(refused({.weights = {false, {1e308, 1e308}}}).find("too large"), std::string::npos);
  saved(8, "other.safetensors", {"b", "a", "c"});
  EXPECT_NE(refused({}).find("predicts other classes than"), std::string::npos);
}

TEST_F(WindowTable, OneWindowIsTheMiddleWindowBitForBit) {
  const fs::path file = saved();
  const Rows plain = table(file, {});
  // All of one window: the batch is that of evaluation.
  const Rows one = table(file, {.ids = {"short", "exact"}, .windows = 1e300});
  const Rows same = table(file, {.ids = {"short", "exact"}});
  ASSERT_EQ(one.size(), 3u);
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(std::vector<std::string>(one[i].begin() + 3, one[i].end()),
              std::vector<std::string>(same[i].begin() + 1, same[i].end()));
  }
  // Beside windows of other recordings.
  const Rows all = table(file, {.windows = .2});
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(std::vector<std::string>(all[i].begin() + 3, all[i].end()),
              std::vector<std::string>(plain[i].begin() + 1, plain[i].end()));
  }
  EXPECT_EQ(table(file, {.ids = {"longer"}, .windows = 1e300}).size(), 3u);  // both ends
}

TEST_F(WindowTable, EmbeddingsOfWindowsTimesTheHead) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    options.dtype = dtype;
    const fs::path file = saved();
    const ModelFile model = read_model(file);
    const Rows labels = table(file, {.windows = .25});
    const Rows rows = table(file, {.windows = .25, .embeddings = true});
    ASSERT_EQ(rows.size(), labels.size());
    EXPECT_EQ(rows[0].size(), 3u + 128);
    EXPECT_EQ(rows[0][3], "embedding_0");
    EXPECT_EQ(rows[0][2], "end");
    for (std::size_t i = 1; i < rows.size(); i += 5) {
      EXPECT_TRUE(std::equal(rows[i].begin(), rows[i].begin() + 3, labels[i].begin()));
      expect_near(by_head(model, numbers(rows[i], 3)), numbers(labels[i], 4));
    }
  }
}

TEST_F(WindowTable, TooLongRecordingsAndShortStepsAreToldWhatToWrite) {
  const fs::path file = saved();
  const std::string step = error(file, {.windows = .001});
  EXPECT_NE(step.find("--windows: "), std::string::npos) << step;
  EXPECT_NE(step.find("a frame every 0.01 seconds"), std::string::npos) << step;
  EXPECT_NE(error(file, {.windows = -1}).find("a number above 0"), std::string::npos);
  describe("max_seconds: 60");
  const std::string longer = error(file, {.windows = 1});
  EXPECT_NE(longer.find("clips.csv:6"), std::string::npos) << longer;
  EXPECT_NE(longer.find("max_seconds: 71 would take it whole"), std::string::npos) << longer;
  // The beginning of it: the last window ends where the used part does.
  describe("max_seconds: 60, too_long: cut");
  const Rows cut = table(file, {.ids = {"longer"}, .windows = 7});
  EXPECT_EQ(cut.back()[1], "59.5");
  EXPECT_EQ(cut.back()[2], "60");
}

}  // namespace
}  // namespace emosweep::trainer
