// Decoding of tests/fixtures/audio (scripts/make_audio_fixture.py: 440 Hz, amplitude .3, half a
// second) and of files that are damaged, hostile or huge.
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>

#include "base/files.h"
#include "data/audio/decode.h"
#include "data/audio/media_path.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

fs::path fixture(const std::string& name) {
  return fs::path(EMOSWEEP_SOURCE_DIR) / "tests/fixtures/audio" / name;
}

// Amplitude and what is left of the samples without the 440 Hz, both over the middle of the sound:
// lossy formats ring at its ends.
struct Tone {
  double amplitude = 0, rest = 0;
};

Tone tone_of(const Waveform& wave, double sr) {
  const std::size_t begin = wave.samples.size() / 4, end = wave.samples.size() * 3 / 4;
  double s = 0, c = 0;
  const auto angle = [sr](std::size_t i) {
    return 2 * std::numbers::pi * 440 * static_cast<double>(i) / sr;
  };
  // A whole number of periods would be best; a least-squares fit needs none.
  double ss = 0, sc = 0, cc = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const double x = std::sin(angle(i)), y = std::cos(angle(i)), v = wave.samples[i];
    s += x * v, c += y * v, ss += x * x, sc += x * y, cc += y * y;
  }
  const double det = ss * cc - sc * sc, a = (s * cc - c * sc) / det, b = (c * ss - s * sc) / det;
  Tone tone{std::hypot(a, b), 0};
  for (std::size_t i = begin; i < end; ++i) {
    const double left = wave.samples[i] - a * std::sin(angle(i)) - b * std::cos(angle(i));
    tone.rest += left * left;
  }
  tone.rest = std::sqrt(tone.rest / static_cast<double>(end - begin));
  return tone;
}

struct Format {
  const char* name;
  int rate, channels;
  bool lossless;
};

TEST(Decode, EveryFormatGivesTheToneAtAnyRate) {
  const Format formats[] = {
      {"tone.wav", 16000, 1, true},   {"stereo_24bit.wav", 11025, 2, true},
      {"float.wav", 8000, 1, true},   {"stereo.flac", 48000, 2, true},
      {"tone.mp3", 44100, 1, false},  {"vorbis.ogg", 22050, 1, false},
      {"tone.opus", 48000, 1, false}, {"tone.m4a", 32000, 1, false},
      {"film.mp4", 32000, 1, false},
  };
  for (const Format& format : formats)
    for (const std::int64_t sr : {16000, 22050}) {
      DecodeOptions options;
      options.sr = sr;
      const Waveform wave = decode_audio(fixture(format.name), options);
      ASSERT_EQ(wave.problem, "") << format.name;
      EXPECT_EQ(wave.rate, format.rate) << format.name;
      EXPECT_EQ(wave.channels, format.channels) << format.name;
      // Half a second of 11,025 Hz is half a sample short; the end of AAC's last block may be
      // there.
      EXPECT_NEAR(wave.seconds, .5, format.lossless ? 1e-4 : .04) << format.name;
      EXPECT_NEAR(static_cast<double>(wave.samples.size()), wave.seconds * static_cast<double>(sr),
                  1)
          << format.name;
      const Tone tone = tone_of(wave, static_cast<double>(sr));
      EXPECT_NEAR(tone.amplitude, .3, format.lossless ? 1e-4 : .01) << format.name << " " << sr;
      EXPECT_LT(tone.rest, format.lossless ? 1e-4 : .01) << format.name << " " << sr;
      EXPECT_NEAR(wave.peak, .3, format.lossless ? 1e-3 : .05) << format.name;
    }
}

TEST(Decode, ResamplingKeepsTheTonesPhase) {
  DecodeOptions options;
  options.sr = 22050;
  const Waveform wave = decode_audio(fixture("tone.wav"), options);
  for (std::size_t i = 2000; i < 9000; ++i) {
    const double expected =
        .3 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 22050);
    ASSERT_NEAR(wave.samples[i], expected, 2e-4) << i;
  }
}

// What one recording left behind, whole or given up, does not sound in the next.
TEST(Decode, OneDecoderGivesEachFileWhatItsOwnGives) {
  DecodeOptions options;
  options.sr = 22050;
  options.max_seconds = .3;
  AudioDecoder decoder(options);
  for (const char* name : {"tone.wav", "stereo.flac", "tone.wav", "float.wav", "log_mel.json",
                           "tone.mp3", "stereo.flac", "tone.opus"})
    EXPECT_EQ(decoder.decode(fixture(name)).samples, decode_audio(fixture(name), options).samples)
        << name;
}

TEST(Decode, StopsAtMaxSeconds) {
  DecodeOptions options;
  options.sr = 16000;
  options.max_seconds = .25;
  const Waveform wave = decode_audio(fixture("stereo.flac"), options);
  EXPECT_TRUE(wave.cut);
  EXPECT_EQ(wave.samples.size(), 4000u);
  EXPECT_NEAR(wave.seconds, .5, 1e-9);  // what its header says
}

std::string problem_of(const Folder& folder, const std::string& bytes) {
  const Waveform wave = decode_audio(folder.write("x", bytes), {});
  EXPECT_TRUE(wave.samples.empty() || wave.problem.empty());
  return wave.problem;
}

TEST(Decode, SaysWhatIsWrongWithAFile) {
  const Folder folder;
  EXPECT_EQ(problem_of(folder, ""), "the file is empty");
  EXPECT_TRUE(holds(problem_of(folder, "this is no sound"), "no recording of a known format"));
  EXPECT_TRUE(holds(problem_of(folder, "#EXTM3U\n#EXT-X-TARGETDURATION:1\nhttp://127.0.0.1/x\n"),
                    "no recording of a known format"));
  EXPECT_TRUE(holds(problem_of(folder, "ffconcat version 1.0\nfile /etc/passwd\n"),
                    "no recording of a known format"));
  const std::string flac = read_text(fixture("stereo.flac"));
  EXPECT_TRUE(holds(problem_of(folder, flac.substr(0, flac.size() / 2)), "it is "));
  std::string torn = flac;
  std::fill(torn.begin() + 9000, torn.begin() + 9400, '\x55');
  EXPECT_TRUE(holds(problem_of(folder, torn), "it is damaged"));
  const std::string wav = read_text(fixture("tone.wav"));
  EXPECT_TRUE(holds(problem_of(folder, wav.substr(0, 4000)), "it is cut short"));
  EXPECT_TRUE(holds(problem_of(folder, wav.substr(0, 44)), "it"));
  EXPECT_TRUE(holds(decode_audio(folder.path, {}).problem, "not a regular file"));
  EXPECT_TRUE(holds(decode_audio(folder.path / "none", {}).problem, "cannot be opened"));
}

TEST(Decode, SamplesThatAreNotNumbersAreRefused) {
  const Folder folder;
  std::string wav = read_text(fixture("float.wav"));
  const float bad = std::nanf("");
  std::memcpy(wav.data() + wav.size() - 400, &bad, sizeof bad);
  EXPECT_TRUE(holds(problem_of(folder, wav), "not numbers"));
}

TEST(Decode, APipeIsNotWaitedFor) {
  const Folder folder;
  ASSERT_EQ(::mkfifo((folder.path / "pipe.wav").c_str(), 0600), 0);
  EXPECT_TRUE(holds(decode_audio(folder.path / "pipe.wav", {}).problem, "not a regular file"));
}

TEST(Decode, TwoGigabytesOfSilenceCostNoTime) {
  const Folder folder;
  std::string header = read_text(fixture("tone.wav")).substr(0, 44);
  const std::uint32_t size = 0x7ffffff0u;
  std::memcpy(header.data() + 4, &size, 4);
  std::memcpy(header.data() + 40, &size, 4);
  const fs::path file = folder.write("long.wav", header);
  fs::resize_file(file, 2147483648u);  // sparse
  const auto start = std::chrono::steady_clock::now();
  const Waveform wave = decode_audio(file, {});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{10});
  EXPECT_EQ(wave.problem, "");
  EXPECT_TRUE(wave.cut);
  EXPECT_EQ(wave.peak, 0);
  EXPECT_NEAR(wave.seconds, 67108, 2);
}

// Every outcome is right but a crash, a hang or samples that are not finite.
TEST(Decode, FuzzedFilesNeverCrash) {
  const Folder folder;
  std::mt19937 random(7);
  DecodeOptions options;
  options.deadline = 10;
  for (const char* name :
       {"tone.wav", "stereo.flac", "tone.mp3", "vorbis.ogg", "tone.opus", "tone.m4a", "film.mp4"}) {
    const std::string whole = read_text(fixture(name));
    for (int round = 0; round < 60; ++round) {
      std::string bytes = whole;
      const std::size_t within =
          round % 2 == 0 ? std::min<std::size_t>(200, bytes.size()) : bytes.size();
      for (int i = 0; i < 1 + round % 12; ++i)
        bytes[random() % within] = static_cast<char>(random());
      if (round % 5 == 0) bytes.resize(random() % bytes.size());
      const Waveform wave = decode_audio(folder.write("x", bytes), options);
      ASSERT_TRUE(wave.problem.empty() || wave.samples.empty());
      ASSERT_LE(wave.samples.size(), 60u * 22050u + 1);
      for (const float x : wave.samples) ASSERT_TRUE(std::isfinite(x)) << name << " " << round;
    }
  }
}

TEST(MediaPath, StaysBelowItsRoot) {
  const Folder folder;
  fs::create_directories(folder.path / "root/sub");
  folder.write("root/sub/a.wav", "x");
  folder.write("secret.wav", "x");
  const fs::path root = folder.path / "root";
  const auto problem = [&](const std::string& cell) { return find_media(root, cell, 10).problem; };
  EXPECT_EQ(find_media(root, "sub/a.wav", 10).file, root / "sub/a.wav");
  EXPECT_EQ(find_media(root, "./sub//a.wav", 10).problem, "");
  EXPECT_EQ(find_media(root, "sub\\a.wav", 10).file, root / "sub/a.wav") << "written on Windows";
  folder.write("root/sub\\b.wav", "x");
  EXPECT_EQ(find_media(root, "sub\\b.wav", 10).file, root / "sub\\b.wav") << "a name as any";
  EXPECT_TRUE(find_media(root, "sub\\c.wav", 10).missing);
  EXPECT_TRUE(holds(problem("..\\secret.wav"), "'..'"));
  EXPECT_TRUE(holds(problem("\\secret.wav"), "relative"));
  EXPECT_TRUE(holds(problem("../secret.wav"), "'..'"));
  EXPECT_TRUE(holds(problem("sub/../../secret.wav"), "'..'"));
  EXPECT_TRUE(holds(problem((folder.path / "secret.wav").string()), "relative"));
  fs::create_symlink(folder.path / "secret.wav", root / "link.wav");
  EXPECT_TRUE(holds(problem("link.wav"), "out of the dataset's root"));
  fs::create_symlink(root / "sub/a.wav", root / "inside.wav");
  EXPECT_EQ(problem("inside.wav"), "");
  fs::create_symlink("loop.wav", root / "loop.wav");
  EXPECT_TRUE(holds(problem("loop.wav"), "cannot be followed"));
  ASSERT_EQ(::mkfifo((root / "pipe.wav").c_str(), 0600), 0);
  EXPECT_TRUE(holds(problem("pipe.wav"), "a pipe"));
  EXPECT_TRUE(holds(problem("sub"), "a folder"));
  EXPECT_TRUE(holds(problem(std::string("a\0.wav", 6)), "NUL"));
  EXPECT_TRUE(holds(problem(std::string(5000, 'a')), "cannot be followed"));
  EXPECT_TRUE(find_media(root, "none.wav", 10).missing);
  EXPECT_TRUE(find_media(root, "sub/a.wav/b", 10).missing);
  folder.write("root/large.wav", std::string(11, 'x'));
  EXPECT_TRUE(holds(problem("large.wav"), "11 bytes; at most 10"));
}

}  // namespace
}  // namespace emosweep::data
