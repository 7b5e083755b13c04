#include <gtest/gtest.h>
#include <hdf5.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/files.h"
#include "fixture.h"
#include "results/h5.h"
#include "results/user_block.h"

namespace emosweep::results {
namespace {

TrialRecord full_record() {
  TrialRecord record = make_record("full");
  record.weights_sha256 = std::string(64, 'a');
  record.result.warnings = {"column 'jitter' is constant", "größer als erwartet", ""};
  record.result.test.emplace_back("undefined", std::numeric_limits<double>::quiet_NaN());
  record.result.curves.push_back({"short", {0.5, std::numeric_limits<double>::infinity()}});
  record.cost.restarts = 3;
  record.cost.pack = 24;
  return record;
}

void expect_equal(const NamedValues& a, const NamedValues& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_TRUE(a[i].second == b[i].second || (std::isnan(a[i].second) && std::isnan(b[i].second)));
  }
}

TEST(Record, EveryFieldComesBack) {
  const TrialRecord a = full_record();
  const TrialRecord b = decode_record(encode_record(a), "memory");
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.canonical, b.canonical);
  EXPECT_EQ(a.instructions, b.instructions);
  EXPECT_EQ(a.weights_sha256, b.weights_sha256);
  EXPECT_EQ(a.result.best_epoch, b.result.best_epoch);
  EXPECT_EQ(a.result.epochs, b.result.epochs);
  EXPECT_EQ(a.result.train_rows, b.result.train_rows);
  EXPECT_EQ(a.result.validation_rows, b.result.validation_rows);
  EXPECT_EQ(a.result.test_rows, b.result.test_rows);
  EXPECT_EQ(a.result.warnings, b.result.warnings);
  ASSERT_EQ(a.result.curves.size(), b.result.curves.size());
  for (std::size_t i = 0; i < a.result.curves.size(); ++i) {
    EXPECT_EQ(a.result.curves[i].name, b.result.curves[i].name);
    EXPECT_EQ(a.result.curves[i].values, b.result.curves[i].values);
  }
  expect_equal(a.result.validation, b.result.validation);
  expect_equal(a.result.test, b.result.test);
  ASSERT_EQ(b.result.targets.size(), 1u);
  const TargetResult &s = a.result.targets[0], &t = b.result.targets[0];
  EXPECT_EQ(s.spec.name, t.spec.name);
  EXPECT_EQ(s.spec.kind, t.spec.kind);
  EXPECT_EQ(s.spec.outputs, t.spec.outputs);
  EXPECT_EQ(s.spec.classes, t.spec.classes);
  EXPECT_EQ(s.sample, t.sample);
  EXPECT_EQ(s.truth, t.truth);
  EXPECT_EQ(s.predicted, t.predicted);
  EXPECT_EQ(s.probability, t.probability);
  EXPECT_EQ(s.confusion, t.confusion);
  EXPECT_EQ(s.train_counts, t.train_counts);
  EXPECT_EQ(a.cost.start_unix, b.cost.start_unix);
  EXPECT_EQ(a.cost.wall_seconds, b.cost.wall_seconds);
  EXPECT_EQ(a.cost.cpu_seconds, b.cost.cpu_seconds);
  EXPECT_EQ(a.cost.steps, b.cost.steps);
  EXPECT_EQ(a.cost.peak_memory_bytes, b.cost.peak_memory_bytes);
  EXPECT_EQ(a.cost.restarts, b.cost.restarts);
  EXPECT_EQ(a.cost.host, b.cost.host);
  EXPECT_EQ(a.cost.device, b.cost.device);
  EXPECT_EQ(a.cost.source_revision, b.cost.source_revision);
  EXPECT_EQ(a.cost.libraries, b.cost.libraries);
  EXPECT_EQ(a.cost.rank, b.cost.rank);
  EXPECT_EQ(a.cost.ranks, b.cost.ranks);
  EXPECT_EQ(a.cost.pack, b.cost.pack);
  EXPECT_EQ(result_digest(a), result_digest(b));
}

TEST(Record, NothingButTheFieldsIsInTheBytes) {
  const auto once = encode_record(full_record());
  // Memory of another content between the two must not show up in the file.
  const std::vector<char> noise(1 << 20, 'x');
  EXPECT_GT(encode_record(make_record("another", {100, 3, 7})).size(), noise.size() / 1000);
  EXPECT_EQ(once, encode_record(full_record()));
}

TEST(Record, EmptyPartsComeBack) {
  TrialRecord record = make_record("empty", {0, 2, 0});
  record.result.curves.clear();
  record.result.validation.clear();
  record.result.best_epoch = -1;
  const TrialRecord back = decode_record(encode_record(record), "memory");
  EXPECT_TRUE(back.result.curves.empty());
  EXPECT_TRUE(back.result.validation.empty());
  EXPECT_TRUE(back.result.targets[0].sample.empty());
  EXPECT_TRUE(back.result.targets[0].probability.empty());
  EXPECT_EQ(back.result.best_epoch, -1);
  EXPECT_EQ(result_digest(record), result_digest(back));
}

TEST(Record, LongTextsAndManyClassesFit) {
  TrialRecord record = make_record("long", {10, 2000, 2});
  record.result.warnings = {std::string(200'000, 'w')};
  record.canonical = std::string(300'000, 'c');
  const TrialRecord back = decode_record(encode_record(record), "memory");
  EXPECT_EQ(back.result.warnings, record.result.warnings);
  EXPECT_EQ(back.canonical, record.canonical);
  EXPECT_EQ(back.result.targets[0].spec.classes, record.result.targets[0].spec.classes);
}

// The attribute goes, and the file is sealed anew.
TEST(Record, OneWithoutThePackIsStillRead) {
  const TemporaryFolder dir;
  const std::filesystem::path file = dir.path() / "old.h5";
  std::vector<std::uint8_t> bytes = encode_record(full_record());
  commit_file(file, bytes, "test");
  const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(H5Adelete_by_name(id, "/provenance", "pack", H5P_DEFAULT), 0);
  ASSERT_GE(H5Fclose(id), 0);
  bytes = read_bytes(file);
  seal(bytes, "emosweep-record 1\n");
  const TrialRecord back = decode_record(bytes, "old.h5");
  EXPECT_EQ(back.cost.pack, 0);
  EXPECT_EQ(back.cost.restarts, 3);
}

TEST(Record, ResultDigestSeesTheResultAndNotItsCost) {
  const TrialRecord base = full_record();
  TrialRecord other = base;
  other.cost.host = "elsewhere";
  other.cost.wall_seconds *= 2;
  EXPECT_EQ(result_digest(base), result_digest(other));
  other.result.targets[0].probability[5] =
      std::nextafter(other.result.targets[0].probability[5], 1.f);
  EXPECT_NE(result_digest(base), result_digest(other));
  other = base;
  other.instructions = "avx512";
  EXPECT_NE(result_digest(base), result_digest(other));
  other = base;
  other.result.warnings.pop_back();
  EXPECT_NE(result_digest(base), result_digest(other));
}

TEST(Record, OneFlippedBitAtEvery97thByteIsFound) {
  const auto bytes = encode_record(full_record());
  for (std::size_t at = 0; at < bytes.size(); at += 97) {
    auto damaged = bytes;
    damaged[at] ^= static_cast<std::uint8_t>(1u << at % 8);
    EXPECT_THROW(decode_record(damaged, "memory"), InputError) << "byte " << at;
  }
}

TEST(Record, EveryBitOfTheFirstLineAndDigestIsChecked) {
  const auto bytes = encode_record(full_record());
  for (std::size_t bit = 0; bit < 90 * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_THROW(decode_record(damaged, "memory"), InputError) << "bit " << bit;
  }
}

TEST(Record, TruncationAtAnyLengthIsFound) {
  const auto bytes = encode_record(full_record());
  for (std::size_t length = 0; length < bytes.size(); length += 61) {
    EXPECT_THROW(decode_record(std::span(bytes).first(length), "memory"), InputError) << length;
  }
  auto longer = bytes;
  longer.push_back(0);
  EXPECT_THROW(decode_record(longer, "memory"), InputError);
}

TEST(Record, MessagesNameTheFileAndWhatIsWrong) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.h5";
  const auto message = [&](const std::string& text) {
    write_file(path, text);
    try {
      read_record(path);
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
      return std::string(error.what()).substr(path.string().size() + 1);
    }
    return std::string("read without an error");
  };
  const auto bytes = encode_record(make_record("m"));
  const std::string whole(bytes.begin(), bytes.end());
  EXPECT_EQ(message("short"), "is truncated: 5 bytes, emosweep-record begins with a block of 512");
  EXPECT_EQ(message(std::string(1000, 'x')), "is no emosweep-record file");
  EXPECT_EQ(message("emosweep-record 2\n" + whole.substr(18)),
            "has format version '2', this program reads version 1");
  EXPECT_EQ(message(whole.substr(0, whole.size() - 1)),
            "is damaged or truncated: its SHA-256 is not the one in its first block");
  EXPECT_THROW(read_record(folder.path() / "absent.h5"), InputError);
}

TEST(Record, ASealedFileOfAnotherContentIsRefused) {
  h5::Writer writer;
  writer.root().set("format", std::string("emosweep-record"));
  const auto bytes = writer.finish("emosweep-record 1\n");
  try {
    decode_record(bytes, "odd.h5");
    FAIL() << "read without an error";
  } catch (const InputError& error) {
    EXPECT_NE(
        std::string(error.what()).find("odd.h5 is no valid emosweep-record: HDF5 cannot open"),
        std::string::npos)
        << error.what();
  }
}

TEST(Record, UnequalLengthsAreRefusedWhenWriting) {
  TrialRecord record = make_record("unequal");
  record.result.targets[0].truth.pop_back();
  EXPECT_THROW(encode_record(record), RunError);
  record = make_record("unequal");
  record.result.targets[0].train_counts.pop_back();
  EXPECT_THROW(encode_record(record), RunError);
  record = make_record("unequal");
  record.cost.host = std::string("a\0b", 3);
  EXPECT_THROW(encode_record(record), RunError);
}

}  // namespace
}  // namespace emosweep::results
