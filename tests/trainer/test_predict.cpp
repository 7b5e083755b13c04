// Saved models: read back, refused when damaged, and the same probabilities as the record, bit for
// bit.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "base/error.h"
#include "synthetic.h"
#include "trainer/fold_cache.h"
#include "trainer/predict.h"
#include "trainer/predict_table.h"

namespace emosweep::trainer {
namespace {

namespace fs = std::filesystem;

struct Predicting : testing::Test {
  data::Dataset dataset = test::dataset_of();
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = test::spec_of(dataset, fold);
  fs::path folder = fs::temp_directory_path() / ("emosweep_predict_" + std::to_string(::getpid()));

  void SetUp() override { fs::create_directories(folder); }
  void TearDown() override { fs::remove_all(folder); }

  fs::path write(const std::string& name, std::span<const std::uint8_t> bytes) const {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return folder / name;
  }

  Trained train() {
    FoldCache cache;
    Alone team;
    spec.save_models = true;
    return trained_or_throw(train_trials({&spec, 1}, cache, team, {})[0]);
  }
};

TEST_F(Predicting, EqualsTheRecordBitForBit) {
  using models::Fusion;
  for (const Fusion fusion : {Fusion::concat, Fusion::gated, Fusion::cross_attention}) {
    for (const std::string kind : {"float32", "float64", "linear"}) {
      for (const auto normalise :
           {data::Normalise::train, data::Normalise::group, data::Normalise::none}) {
        SCOPED_TRACE(kind);
        spec.model.fusion = fusion;
        spec.model.model = kind == "linear" ? "linear" : "mlp";
        spec.model.dtype = kind == "float64" ? at::kDouble : at::kFloat;
        spec.model.hidden_size = 40;  // no multiple of a vector's width in rows or columns
        spec.prepare.normalise = normalise;
        spec.prepare.group = normalise == data::Normalise::group ? "subject" : "";
        spec.objective.loss_temperature = kind == "linear" ? 1 : 3;
        spec.loop.epochs = 2;
        spec.loop.refit = fusion == Fusion::gated;
        const Trained trained = train();
        const results::TargetResult& record = trained.record.result.targets[0];
        EXPECT_EQ(sha256(std::span<const std::uint8_t>(*trained.weights)).hex(),
                  trained.record.weights_sha256);
        const ModelFile model = read_model(write("model.safetensors", *trained.weights));
        EXPECT_EQ(model.id, spec.id.hex());

        const Predictions same = predict(model, dataset, fold.test, "model");
        EXPECT_EQ(same.probability, record.probability);
        EXPECT_EQ(same.predicted, record.predicted);
        // Among all rows in reverse order: other places in other batches.
        std::vector<std::int32_t> all(static_cast<std::size_t>(dataset.size()));
        std::iota(all.rbegin(), all.rend(), 0);
        const Predictions among = predict(model, dataset, all, "model");
        for (std::size_t i = 0; i < fold.test.size(); ++i) {
          const auto at = static_cast<std::size_t>(std::find(all.begin(), all.end(), fold.test[i]) -
                                                   all.begin());
          for (std::size_t c = 0; c < 3; ++c) {
            EXPECT_EQ(among.probability[at * 3 + c], record.probability[i * 3 + c]);
          }
        }
      }
    }
  }
}

TEST_F(Predicting, ATableOfFewRowsGivesTheSameBits) {
  const Trained trained = train();
  const ModelFile model = read_model(write("model.safetensors", *trained.weights));
  data::Dataset few = dataset;  // two test rows, in which nothing is missing
  const std::vector<std::size_t> kept{6, 24};
  few.row.clear();
  few.id.clear();
  few.label.clear();
  few.groups.clear();
  for (data::Modality& m : few.modalities) {
    const std::vector<double> values = std::move(m.values);
    m.values.clear();
    m.present.assign(2, 1);
    for (std::size_t r : kept) {
      const auto width = static_cast<std::size_t>(m.width);
      for (std::size_t c = 0; c < width; ++c) m.values.push_back(values[r * width + c]);
    }
  }
  for (std::size_t r : kept) {
    few.row.push_back(dataset.row[r]);
    few.id.push_back(dataset.id[r]);
    few.label.push_back(0);
  }
  const Predictions done = predict(model, few, std::vector<std::int32_t>{0, 1}, "model");
  const results::TargetResult& record = trained.record.result.targets[0];
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(done.probability[i * 3 + c], record.probability[kept[i] / 6 * 3 + c]);
    }
  }
}

TEST_F(Predicting, FindsColumnsByNameAndNamesMissingOnes) {
  const Trained trained = train();
  const ModelFile model = read_model(write("model.safetensors", *trained.weights));
  data::Dataset other = dataset;  // columns of audio in reverse, with one more in front
  data::Modality& audio = other.modalities[0];
  audio.columns = {"extra", "a4", "a3", "a2", "a1", "a0"};
  audio.width = 6;
  audio.values.clear();
  for (std::size_t r = 0; r < dataset.id.size(); ++r) {
    audio.values.push_back(77);
    for (std::size_t c = 5; c-- > 0;)
      audio.values.push_back(dataset.modalities[0].values[r * 5 + c]);
  }
  other.label.assign(other.label.size(), 9);  // never looked at
  EXPECT_EQ(predict(model, other, fold.test, "model").probability,
            trained.record.result.targets[0].probability);

  audio.columns[1] = "renamed";
  other.modalities[1].name = "video";
  try {
    predict(model, other, fold.test, "model");
    FAIL() << "columns are missing";
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("modality audio of the dataset has no column a4"),
              std::string::npos);
    EXPECT_NE(std::string(e.what()).find("no modality visual"), std::string::npos);
  }
}

TEST_F(Predicting, WritesATable) {
  std::ofstream(folder / "table.csv") << "id,a0,a1,a2,a3,a4\n"
                                         "\"one, \"\"1\"\"\",1,2,0.5,0.25,1\n"
                                         "two,2,,0,2,1\n"
                                         "three,0,0.1,2,0,0\n";
  std::ofstream(folder / "dataset.yaml")
      << "name: few\nsamples: table.csv\nid: id\n"
         "modalities:\n  audio: {kind: features, columns: [a0 .. a4]}\n";
  spec.prepare.modalities = spec.model.inputs = {"audio"};
  spec.model.widths = {5};
  spec.model.fusion = models::Fusion::none;
  const Trained trained = train();
  const fs::path file = write("model.safetensors", *trained.weights);
  std::ostringstream csv;
  predict_table({&file, 1}, folder / "dataset.yaml", {.ids = {"three", "one, \"1\""}}, csv);
  std::istringstream lines(csv.str());
  std::string header, first, second, more;
  std::getline(lines, header);
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_EQ(header, "id,predicted,probability_angry,probability_calm,probability_sad");
  EXPECT_TRUE(first.starts_with("three,sad,")) << first;
  EXPECT_TRUE(second.starts_with("\"one, \"\"1\"\"\",")) << second;
  EXPECT_FALSE(std::getline(lines, more));
  const data::Dataset few =
      data::load_dataset(folder / "dataset.yaml", {}, nullptr, {}, data::Labels::ignored).dataset;
  const std::vector<std::int32_t> rows{2};
  const Predictions direct = predict(read_model(file), few, rows, "model");
  const std::string written = first.substr(first.rfind(',') + 1);
  EXPECT_EQ(std::stof(written),
            direct.probability[2]);  // the shortest text reads back as the same number
  EXPECT_THROW(predict_table({&file, 1}, folder / "dataset.yaml", {.ids = {"four"}}, csv),
               InputError);
}

TEST_F(Predicting, DamagedFilesAreRefused) {
  const Trained trained = train();
  const std::string text(trained.weights->begin(), trained.weights->end());
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    const fs::path file = write(
        "bad.safetensors", {reinterpret_cast<const std::uint8_t*>(changed.data()), changed.size()});
    EXPECT_THROW(
        {
          const ModelFile model = read_model(file);
          predict(model, dataset, fold.test, file.string());
        },
        InputError)
        << from;
  };
  refused("\"emosweep\"", "\"emosweeq\"");
  refused("\\\"gated\\\"", "\\\"gates\\\"");
  refused("\\\"calm\\\"", "\\\"calm ");
  refused("\\\"version\\\":1", "\\\"version\\\":3");
  refused("\\\"hidden_size\\\":16", "\\\"hidden_size\\\":24");
  refused("\\\"tokens\\\":", "\\\"tokenz\\\":");
  const fs::path cut =
      write("cut.safetensors", std::span(*trained.weights).first(trained.weights->size() / 2));
  EXPECT_THROW(read_model(cut), InputError);
}

}  // namespace
}  // namespace emosweep::trainer
