// BERT's tokenizer against Hugging Face's `tokenizers` (tests/fixtures/text.json, made by
// scripts/make_text_fixture.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "../base/mutated.h"
#include "base/files.h"
#include "base/hash.h"
#include "data/table.h"
#include "data/text/wordpiece.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

nlohmann::json fixture() {
  std::ifstream file(std::string(EMOSWEEP_SOURCE_DIR) + "/tests/fixtures/text.json");
  return nlohmann::json::parse(file);
}

fs::path test_data() {
  const char* set = std::getenv("EMOSWEEP_TEST_DATA");
  return set != nullptr && *set != '\0' ? fs::path(set)
                                        : fs::path(EMOSWEEP_SOURCE_DIR) / "../shared/data";
}

struct Vocabulary : testing::Test {
  WordPiece tokenizer;
  void SetUp() override {
    const fs::path file = test_data() / "bert_vocab/vocab.txt";
    if (!fs::exists(file)) GTEST_SKIP() << "no test data at " << file;
    tokenizer = WordPiece::from_vocabulary(read_text(file), {}, file.string());
  }
};

TEST_F(Vocabulary, SentencesHaveTheIdsOfTokenizers) {
  for (const auto& sentence : fixture()["sentences"]) {
    EXPECT_EQ(tokenizer.encode(sentence["text"].get<std::string>(), 512),
              sentence["ids"].get<std::vector<std::int32_t>>())
        << sentence["text"];
  }
  EXPECT_EQ(tokenizer.size(), 30522);
  EXPECT_EQ(tokenizer.pad(), 0);
}

TEST_F(Vocabulary, RealTextsHaveTheIdsOfTokenizers) {
  struct Source {
    const char* name;
    std::vector<const char*> files, columns, header;
  };
  const Source sources[] = {
      {"goemotions",
       {"goemotions/ekman/train.tsv", "goemotions/ekman/dev.tsv", "goemotions/ekman/test.tsv"},
       {"text"},
       {"text", "labels", "id"}},
      {"emocare",
       {"emocare_reddit/train_split.csv", "emocare_reddit/val_split.csv",
        "emocare_reddit/test_split.csv"},
       {"title", "text"},
       {}},
      {"vietnamese", {"vi_phone_absa/dataset.csv"}, {"data"}, {}}};
  const auto expected = fixture();
  for (const Source& source : sources) {
    Sha256 hash;
    std::int64_t texts = 0;
    for (const char* name : source.files) {
      const fs::path file = test_data() / name;
      if (!fs::exists(file)) GTEST_SKIP() << "no test data at " << file;
      TableForm form;
      form.quotes = source.header.empty();
      form.header.assign(source.header.begin(), source.header.end());
      TableMistakes mistakes;
      const auto table = open_table(file, read_text(file), form, {}, {}, mistakes);
      ASSERT_TRUE(table);
      Record record;
      while (table->next(record)) {
        std::string text;
        for (const char* column : source.columns) {
          const auto& header = table->header();
          const auto at = std::find(header.begin(), header.end(), column) - header.begin();
          ASSERT_LT(at, std::ssize(header)) << column;
          if (column != source.columns[0]) text += '\n';
          text += trimmed(record.cells[static_cast<std::size_t>(at)]);
        }
        const auto ids = tokenizer.encode(text, expected["length"].get<std::int64_t>());
        const auto n = static_cast<std::int32_t>(ids.size());
        hash.add({reinterpret_cast<const char*>(&n), sizeof n});
        hash.add({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof ids[0]});
        ++texts;
      }
    }
    EXPECT_EQ(texts, expected["ids"][source.name]["texts"].get<std::int64_t>()) << source.name;
    EXPECT_EQ(hash.finish().hex(), expected["ids"][source.name]["sha256"].get<std::string>())
        << source.name;
  }
}

TEST(BertWords, AreCleanedAndCut) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(bert_words("Don't  STOP!\x01", {}), (Words{"don", "'", "t", "stop", "!"}));
  EXPECT_EQ(bert_words("\xFF caf\xC3\xA9\xE2\x80\x8B!", {}), (Words{"cafe", "!"}));
  BertTextOptions cased;
  cased.lowercase = cased.strip_accents = false;
  EXPECT_EQ(bert_words("Caf\xC3\xA9", cased), (Words{"Caf\xC3\xA9"}));
  EXPECT_EQ(bert_words("a\xE4\xB8\xAD\xE6\x96\x87", {}),
            (Words{"a", "\xE4\xB8\xAD", "\xE6\x96\x87"}));
  EXPECT_TRUE(bert_words("", {}).empty());
}

const char* const kSmall = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhap\n##py\nun\n##hap\n!\n";

TEST(WordPieces, AreTheLongestOnesAndTextsAreCut) {
  const WordPiece small = WordPiece::from_vocabulary(kSmall, {}, "vocab.txt");
  using Ids = std::vector<std::int32_t>;
  EXPECT_EQ(small.encode("Unhappy happy!", 20), (Ids{2, 6, 7, 5, 4, 5, 8, 3}));
  EXPECT_EQ(small.encode("happily!", 20), (Ids{2, 1, 8, 3}));
  EXPECT_EQ(small.encode("Unhappy happy!", 4), (Ids{2, 6, 7, 3}));
  EXPECT_EQ(small.encode("happy", 2), (Ids{2, 3}));
  EXPECT_EQ(small.encode("a[SEP]!", 20), (Ids{2, 1, 3, 8, 3}));
}

TEST(WordPieces, TokenizerJsonGivesTheSame) {
  nlohmann::json json;
  json["normalizer"] = {{"type", "BertNormalizer"}, {"lowercase", true}};
  json["model"]["type"] = "WordPiece";
  std::istringstream lines(kSmall);
  std::string piece;
  for (int id = 0; std::getline(lines, piece); ++id) json["model"]["vocab"][piece] = id;
  const WordPiece made = WordPiece::from_json(json.dump(), "tokenizer.json");
  EXPECT_EQ(made.encode("Unhappy happy!", 20),
            WordPiece::from_vocabulary(kSmall, {}, "v").encode("Unhappy happy!", 20));
  const auto error = [&](const nlohmann::json& changed) {
    return error_of([&] { WordPiece::from_json(changed.dump(), "tokenizer.json"); });
  };
  auto other = json;
  other["model"]["type"] = "BPE";
  EXPECT_TRUE(holds(error(other), "a tokenizer of kind BPE"));
  other = json;
  other["normalizer"]["type"] = "NFKC";
  EXPECT_TRUE(holds(error(other), "its normalizer is NFKC"));
  other = json;
  other["model"]["vocab"]["hap"] = 3;
  EXPECT_TRUE(holds(error(other), "is given twice, or leaves a hole"));
  other = json;
  other["model"]["vocab"].erase("!");
  other["model"]["vocab"].erase("[SEP]");
  EXPECT_NE(error(other), "no InputError");
  EXPECT_TRUE(holds(error_of([] { WordPiece::from_vocabulary("a\nb\na\n", {}, "vocab.txt"); }),
                    "vocab.txt: line 3: 'a' is there twice"));
  EXPECT_TRUE(holds(error_of([] { WordPiece::from_vocabulary("[UNK]\n", {}, "vocab.txt"); }),
                    "lacks [CLS]"));
  EXPECT_TRUE(holds(error_of([] { WordPiece::from_json("[1", "t.json"); }), "no JSON object"));
  EXPECT_EQ(WordPiece::from_json(made.json(), "again").json(), made.json());
}

// An InputError or a tokenizer, never more.
TEST(WordPieces, DamagedTokenizersAreToldOrRead) {
  const std::string text = WordPiece::from_vocabulary(kSmall, {}, "v").json();
  std::int64_t read = 0;
  for (std::int64_t i = 0; i < test::fuzz_runs(); ++i) {
    const std::string broken = test::mutated(text, static_cast<std::uint64_t>(i));
    (void)error_of([&] {
      (void)WordPiece::from_json(broken, "t").encode("un happy [MASK]", 8);
      ++read;
    });
  }
  EXPECT_GT(read, 0) << "some damage is harmless";
}

}  // namespace
}  // namespace emosweep::data
