// The file of decoded recordings: whole or refused, and made once.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "base/files.h"
#include "data/audio/clip_cache.h"
#include "data/audio/file_lock.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

const Digest kKey = sha256("a key");

void write_three(const fs::path& file) {
  ClipStore::write(file, kKey, 2, 3, [](std::int64_t i) {
    ClipRows rows;
    rows.info = {.5 * static_cast<double>(i), .25, 16000, 1, i == 2, ""};
    if (i == 1)
      rows.info.problem = "it is damaged";
    else
      rows.values = {1.f, 2.f, 3.f + static_cast<float>(i), 4.f};
    return rows;
  });
}

std::string why_refused(const fs::path& file, const Digest& key = kKey) {
  std::string why;
  EXPECT_EQ(ClipStore::open(file, key, why), nullptr);
  return why;
}

TEST(ClipStore, GivesBackWhatWasWritten) {
  const Folder folder;
  const fs::path file = folder.path / "x.mel";
  write_three(file);
  std::string why;
  const auto store = ClipStore::open(file, kKey, why);
  ASSERT_NE(store, nullptr) << why;
  ASSERT_EQ(store->size(), 3);
  EXPECT_EQ(store->width(), 2);
  EXPECT_EQ(store->rows(0), 2);
  EXPECT_EQ(store->rows(1), 0);
  EXPECT_EQ(store->info(1).problem, "it is damaged");
  EXPECT_EQ(store->info(2).seconds, 1);
  EXPECT_EQ(store->info(2).rate, 16000);
  EXPECT_TRUE(store->info(2).cut);
  EXPECT_EQ(store->values(2)[2], 5.f);
  EXPECT_TRUE(store->values(1).empty());
  EXPECT_NE(store->content(0), store->content(2));
  for (const auto& entry : fs::directory_iterator(folder.path)) EXPECT_EQ(entry.path(), file);
}

TEST(ClipStore, RefusesWhatIsNotWholeOrNotItsOwn) {
  const Folder folder;
  const fs::path file = folder.path / "x.mel";
  EXPECT_EQ(why_refused(file), "");  // there is none
  write_three(file);
  EXPECT_TRUE(holds(why_refused(file, sha256("another")), "something else"));
  const std::string whole = read_text(file);
  const auto changed = [&](std::size_t byte) {
    std::string bytes = whole;
    bytes[byte] = static_cast<char>(bytes[byte] ^ 1);
    folder.write("x.mel", bytes);
  };
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    folder.write("x.mel", whole.substr(0, size));
    ASSERT_NE(why_refused(file), "") << size;
  }
  std::size_t accepted = 0;
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    changed(byte);
    std::string why;
    const auto store = ClipStore::open(file, kKey, why);
    if (store == nullptr) continue;
    // Padding behind the header, or rows: those are checked when they are asked for.
    ++accepted;
    const bool rows = byte >= kClipValuesAt;
    EXPECT_EQ(byte >= sizeof(ClipHeader) && byte < kClipValuesAt + 8 * sizeof(float), true) << byte;
    const std::int64_t clip = byte < kClipValuesAt + 4 * sizeof(float) ? 0 : 2;
    if (rows) {
      EXPECT_THROW(store->values(clip), RunError) << byte;
    }
  }
  EXPECT_EQ(accepted, kClipValuesAt - sizeof(ClipHeader) + 8 * sizeof(float));
}

TEST(ClipStore, AFullDiskOrAMissingFolderIsARunError) {
  const Folder folder;
  EXPECT_THROW(write_three(folder.path / "none/x.mel"), RunError);
}

FrontEndOptions small() {
  FrontEndOptions o;
  o.sr = 8000;
  o.n_mels = 8;
  o.n_fft = 256;
  return o;
}

Recording recording(const std::string& name) {
  const fs::path file = fs::path(EMOSWEEP_SOURCE_DIR) / "tests/fixtures/audio" / name;
  return {file, sha256_file(file)};
}

TEST(ClipCache, DecodesOnceAndMakesADamagedFileAgain) {
  const Folder folder;
  const std::vector<Recording> recordings{recording("tone.wav"), recording("log_mel.json"),
                                          recording("stereo.flac")};
  const auto first = cached_spectrograms(folder.path, recordings, small(), 60);
  const auto written = fs::last_write_time(first->file());
  EXPECT_EQ(first->rows(0), frames_of(small(), 4000));
  EXPECT_TRUE(holds(first->info(1).problem, "no recording"));
  EXPECT_EQ(first->info(2).channels, 2);
  const auto again = cached_spectrograms(folder.path, recordings, small(), 60);
  EXPECT_EQ(fs::last_write_time(again->file()), written);

  FrontEndOptions other = small();
  other.hop_length = 100;
  EXPECT_NE(cached_spectrograms(folder.path, recordings, other, 60)->file(), first->file());
  EXPECT_NE(cached_spectrograms(folder.path, recordings, small(), 1)->file(), first->file());

  fs::resize_file(first->file(), fs::file_size(first->file()) - 1);
  const auto mended = cached_spectrograms(folder.path, recordings, small(), 60);
  EXPECT_EQ(mended->file(), first->file());
  EXPECT_EQ(mended->values(0).size(), 8u * static_cast<std::size_t>(frames_of(small(), 4000)));
}

TEST(ClipCache, StatisticsNeedNoSpectrogramsTheSecondTime) {
  const Folder folder;
  const std::vector<Recording> recordings{recording("tone.wav")};
  const auto first = cached_statistics(folder.path, recordings, small(), 60, {});
  EXPECT_EQ(first->width(), 8 * 15);
  EXPECT_EQ(first->rows(0), 1);
  for (const auto& entry : fs::directory_iterator(folder.path))
    if (entry.path().extension() == ".mel") fs::remove(entry.path());
  const auto again = cached_statistics(folder.path, recordings, small(), 60, {});
  EXPECT_EQ(again->values(0)[0], first->values(0)[0]);
  for (const auto& entry : fs::directory_iterator(folder.path))
    EXPECT_NE(entry.path().extension(), ".mel") << "decoded again";
}

TEST(ClipCache, ManyAtOnceGiveOneFile) {
  const Folder folder;
  const std::vector<Recording> recordings{recording("tone.wav"), recording("tone.mp3")};
  std::vector<std::shared_ptr<const ClipStore>> stores(6);
  {
    std::vector<std::jthread> threads;
    for (auto& store : stores)
      threads.emplace_back(
          [&] { store = cached_spectrograms(folder.path, recordings, small(), 60); });
  }
  for (const auto& store : stores) {
    ASSERT_NE(store, nullptr);
    EXPECT_EQ(store->content(1), stores[0]->content(1));
  }
}

TEST(FileLock, WaitsForItsOwnerAndSaysWhenItGivesUp) {
  const Folder folder;
  const fs::path file = folder.path / "lock";
  auto first = std::make_unique<FileLock>(file, std::chrono::milliseconds{10});
  EXPECT_THROW(FileLock(file, std::chrono::milliseconds{50}), RunError);
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{80});
    first.reset();
  });
  FileLock second(file, std::chrono::seconds{20});
}

}  // namespace
}  // namespace emosweep::data
