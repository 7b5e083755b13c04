// Official file names, and the tables that come of them.
#include "base/files.h"
#include "data/corpora.h"
#include "data/hash_cache.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

std::string text_of(const std::vector<NamedField>& fields) {
  std::string text;
  for (const NamedField& field : fields) text += field.name + "=" + field.value + " ";
  return text;
}

std::string why_none(
    const std::function<std::vector<NamedField>(const std::string&, std::string&)>& f,
    const std::string& stem) {
  std::string why;
  EXPECT_TRUE(f(stem, why).empty()) << stem;
  return why;
}

TEST(Corpora, RavdessNames) {
  std::string why;
  EXPECT_EQ(text_of(ravdess_fields("03-01-06-02-01-02-12", why)),
            "clip=03-01-06-02-01-02-12 actor=12 gender=female emotion=fearful sentiment=negative "
            "intensity=strong statement=01 repetition=02 channel=speech ");
  EXPECT_EQ(why, "");
  EXPECT_TRUE(
      holds(text_of(ravdess_fields("01-02-08-01-02-01-01", why)),
            "gender=male emotion=surprised sentiment=positive intensity=normal statement=02 "
            "repetition=01 channel=song"));
  EXPECT_TRUE(holds(why_none(ravdess_fields, "02-01-06-01-01-01-01"), "without sound"));
  EXPECT_TRUE(holds(why_none(ravdess_fields, "03-01-09-01-01-01-01"), "no emotion 09"));
  EXPECT_TRUE(holds(why_none(ravdess_fields, "03-01-01-01-01-01-25"), "no actor 25"));
  EXPECT_TRUE(holds(why_none(ravdess_fields, "03-01-01-01-01-01-1"), "seven numbers"));
  EXPECT_TRUE(holds(why_none(ravdess_fields, "03_01_01_01_01_01_01"), "seven numbers"));
  EXPECT_TRUE(holds(why_none(ravdess_fields, "a3-01-01-01-01-01-01"), "seven numbers"));
}

TEST(Corpora, EmodbNames) {
  std::string why;
  EXPECT_EQ(text_of(emodb_fields("03a01Fa", why)),
            "clip=03a01Fa actor=03 gender=male emotion=happy sentiment=positive statement=a01 "
            "version=a ");
  EXPECT_TRUE(holds(text_of(emodb_fields("16b10Lb", why)),
                    "actor=16 gender=female emotion=bored sentiment=negative statement=b10"));
  EXPECT_TRUE(holds(why_none(emodb_fields, "07a01Fa"), "no speaker 07"));
  EXPECT_TRUE(holds(why_none(emodb_fields, "03a01Xa"), "no emotion X"));
  EXPECT_TRUE(holds(why_none(emodb_fields, "03c01Fa"), "such as 03a01Fa"));
}

TEST(Corpora, AFolderBecomesADataset) {
  const Folder folder;
  folder.write("Actor_02/03-01-03-01-01-01-02.wav", "");
  folder.write("Actor_01/03-01-05-01-01-01-01.WAV", "");
  folder.write("films/01-01-05-01-01-01-01.mp4", "");  // the same sound
  folder.write("again/03-01-03-01-01-01-02.wav", "");
  folder.write("Actor_01/notes, and more.wav", "");
  folder.write("README.txt", "");
  const PreparedCorpus done = prepare_corpus("ravdess", folder.path);
  EXPECT_EQ(done.recordings, 2);
  EXPECT_EQ(done.actors, 2);
  EXPECT_EQ(done.passed, 3);
  EXPECT_EQ(read_text(folder.path / "ravdess.csv"),
            "path,clip,actor,gender,emotion,sentiment,intensity,statement,repetition,channel\n"
            "Actor_02/03-01-03-01-01-01-02.wav,03-01-03-01-01-01-02,2,female,happy,positive,normal,"
            "01,01,speech\n"
            "Actor_01/03-01-05-01-01-01-01.WAV,03-01-05-01-01-01-01,1,male,angry,negative,normal,"
            "01,01,speech\n");
  // The descriptions are sound: all that is wrong is that these files are empty.
  for (const char* file : {"dataset.yaml", "sentiment.yaml"}) {
    HashCache cache(folder.path / "cache/hashes.json");
    const std::string text = error_of([&] { load_dataset(folder.path / file, {}, &cache); });
    EXPECT_TRUE(holds(text, "ravdess.csv:2: column 'path'"));
    EXPECT_TRUE(holds(text, "the file is empty"));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  }
  prepare_corpus("ravdess", folder.path);  // its own descriptions may be written again
  folder.write("dataset.yaml", "name: mine\n");
  EXPECT_TRUE(holds(error_of([&] { prepare_corpus("ravdess", folder.path); }), "not written by"));
}

TEST(Corpora, AFolderOfSomethingElseIsRefused) {
  const Folder folder;
  const auto error = [&](const char* name) {
    return error_of([&] { prepare_corpus(name, folder.path); });
  };
  EXPECT_TRUE(holds(error("emodb"), "no media files at all"));
  folder.write("x.wav", "");
  EXPECT_TRUE(holds(error("emodb"), "such as 03a01Fa"));
  EXPECT_TRUE(holds(error_of([&] { prepare_corpus("emodb", folder.path / "none"); }), "no folder"));
}

}  // namespace
}  // namespace emosweep::data
