// Modalities of kind embeddings, with an embedder that counts letters.
#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/hash_cache.h"
#include "data/text/embeddings.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

// A text becomes how often it holds a, b and a line break.
class Letters final : public TextEmbedder {
 public:
  std::int64_t width(const EmbeddingOptions& options) override {
    seen = options;
    return 3;
  }
  std::vector<float> embed(const EmbeddingOptions&,
                           const std::vector<std::string>& texts) override {
    ++calls;
    std::vector<float> out;
    for (const std::string& text : texts) {
      encoded.push_back(text);
      for (const char c : {'a', 'b', '\n'})
        out.push_back(static_cast<float>(std::count(text.begin(), text.end(), c)));
    }
    return out;
  }
  EmbeddingOptions seen;
  int calls = 0;
  std::vector<std::string> encoded;
};

struct Posts : testing::Test {
  Folder folder;
  Letters letters;
  HashCache cache{folder.path / "cache/hashes.json"};
  std::string modality =
      "{kind: embeddings, columns: [title, text], encoder: model, pooling: cls, max_length: 16}";

  void SetUp() override {
    folder.write("model/config.json", "{}");
    folder.write("model/vocab.txt", "x");
    folder.write("p.csv", "id,title,text,mood\n1,aa,b,sad\n2, a ,,glad\n3,,,sad\n4,aa,b,glad\n");
  }
  Dataset load(const RowSelection& selection = {}) {
    folder.write("dataset.yaml",
                 "samples: p.csv\nid: id\nlabel: {column: mood, classes: [sad, glad]}\n"
                 "modalities:\n  post: " +
                     modality + "\n");
    return load_dataset(folder.path, selection, &cache, {}, Labels::needed, &letters).dataset;
  }
  std::string error() {
    return error_of([&] { (void)load(); });
  }
};

TEST_F(Posts, AreFeaturesOfTheirTextsAndEncodedOnce) {
  const Dataset d = load();
  const Modality& post = *d.modality("post");
  EXPECT_EQ(post.width, 3);
  EXPECT_EQ(post.values, (std::vector<double>{2, 1, 1, 1, 0, 1, 0, 0, 1, 2, 1, 1}));
  EXPECT_EQ(post.present, (std::vector<std::uint8_t>{1, 1, 1, 1}));
  EXPECT_EQ(letters.encoded, (std::vector<std::string>{"aa\nb", "a\n", "\n"}));  // each text once
  EXPECT_EQ(letters.seen.encoder, folder.path / "model");
  EXPECT_EQ(letters.seen.pooling, "cls");
  EXPECT_EQ(letters.seen.max_length, 16);
  // Row selections share what is encoded.
  const Dataset glad = load({{{"mood", {"glad"}}}, {}});
  EXPECT_EQ(glad.modality("post")->values, (std::vector<double>{1, 0, 1, 2, 1, 1}));
  EXPECT_EQ(letters.calls, 1);
  EXPECT_EQ(load().digest, d.digest);
}

TEST_F(Posts, OtherTextsOptionsOrEncodersAreOtherData) {
  const Dataset before = load();
  modality = "{kind: embeddings, columns: [title, text], encoder: model, max_length: 16}";
  const Dataset mean = load();
  EXPECT_NE(mean.digest, before.digest);
  EXPECT_NE(mean.modality("post")->columns, before.modality("post")->columns);
  folder.write("model/vocab.txt", "yy");
  const Dataset encoder = load();
  EXPECT_NE(encoder.modality("post")->columns, mean.modality("post")->columns);
  modality = "{kind: embeddings, columns: [title], encoder: model, max_length: 16}";
  EXPECT_NE(load().digest, encoder.digest);
  EXPECT_EQ(letters.calls, 4);
}

TEST_F(Posts, MistakesHaveTheirPlace) {
  modality = "{kind: embeddings, columns: [titel], encoder: model}";
  EXPECT_TRUE(holds(error(), "has no column 'titel'"));
  modality = "{kind: embeddings, columns: [title, mood], encoder: model}";
  EXPECT_TRUE(holds(error(), "'mood' is a column that it may not use: the label"));
  modality = "{kind: embeddings, columns: [title], encoder: nowhere}";
  EXPECT_TRUE(holds(error(), "dataset.yaml:5:55: modality 'post': there is no folder"));
  modality = "{kind: embeddings, columns: [title], encoder: model, max_length: 1, pooling: max}";
  EXPECT_TRUE(holds(error(), "max_length is not a whole number of at least 2"));
  EXPECT_TRUE(holds(error(), "pooling"));
  modality = "{kind: embeddings, columns: [title]}";
  EXPECT_TRUE(holds(error(), "has no 'encoder'"));
  modality = "{kind: embeddings, encoder: model}";
  EXPECT_TRUE(holds(error(), "has no 'columns'"));
  EXPECT_EQ(letters.calls, 0);
}

TEST_F(Posts, TextsThatStateTheirLabelAreToldOf) {
  std::string table = "id,title,text,mood\n";
  for (int i = 0; i < 60; ++i) {
    const bool sad = i % 2 == 0;
    table += std::to_string(i) + ",post " + std::to_string(i) + "," +
             (sad && i % 3 == 0 ? "The user is Sad." : "nothing; glad it is said") + "," +
             (sad ? "sad" : "glad") + "\n";
  }
  folder.write("p.csv", table);
  const Dataset d = load();
  ASSERT_EQ(d.warnings.size(), 1u);
  EXPECT_TRUE(holds(d.warnings[0],
                    "modality 'post': does a column state the label? 33 % of the texts of class "
                    "'sad' hold the word 'sad', 0 % of the others"));
  EXPECT_EQ(d.warnings[0].find("'glad'"), std::string::npos) << "both classes hold that word";
  modality = "{kind: embeddings, columns: [title], encoder: model}";
  EXPECT_TRUE(load().warnings.empty());
}

}  // namespace
}  // namespace emosweep::data
