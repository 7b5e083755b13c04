#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "temporary_folder.h"

namespace emosweep {
namespace {

// The examples of FIPS 180-4.
constexpr char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char of_million_a[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256, GivesTheStandardsExamples) {
  EXPECT_EQ(sha256("").hex(), of_nothing);
  EXPECT_EQ(sha256("abc").hex(), of_abc);
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')).hex(), of_million_a);
  const std::vector<std::uint8_t> bytes = {'a', 'b', 'c'};
  EXPECT_EQ(sha256(bytes).hex(), of_abc);
}

TEST(Sha256, DoesNotDependOnThePieces) {
  Sha256 hash;
  for (int i = 0; i < 1000; ++i) hash.add(std::string(1000, 'a'));
  EXPECT_EQ(hash.finish().hex(), of_million_a);
}

TEST(Sha256, SizedTextsDoNotRunTogether) {
  EXPECT_EQ(Sha256().add("ab").add("c").finish(), Sha256().add("a").add("bc").finish());
  EXPECT_NE(Sha256().add_sized("ab").add_sized("c").finish(),
            Sha256().add_sized("a").add_sized("bc").finish());
  // The size is 8 bytes, least significant first.
  EXPECT_EQ(Sha256().add_sized("abc").finish(), sha256(std::string("\3\0\0\0\0\0\0\0abc", 11)));
}

TEST(Sha256, IsFinishedOnce) {
  Sha256 hash;
  hash.finish();
  EXPECT_THROW(hash.finish(), Error);
  EXPECT_THROW(hash.add("more"), Error);
}

TEST(Sha256, ReadsFiles) {
  const TemporaryFolder folder;
  std::ofstream(folder / "a", std::ios::binary) << std::string(1'000'000, 'a');
  EXPECT_EQ(sha256_file(folder / "a").hex(), of_million_a);
  std::ofstream(folder / "empty").flush();
  EXPECT_EQ(sha256_file(folder / "empty").hex(), of_nothing);
}

TEST(Sha256, NamesTheFileItCannotRead) {
  const TemporaryFolder folder;
  for (const auto& path : {folder / "absent", folder.path()}) {
    try {
      sha256_file(path);
      ADD_FAILURE() << "nothing thrown for " << path;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
    }
  }
}

TEST(Digest, ReadsWhatItWrites) {
  const Digest digest = sha256("abc");
  EXPECT_EQ(Digest::from_hex(digest.hex()), digest);
  EXPECT_EQ(digest.brief(), "ba7816bf8f01");
  EXPECT_LT(digest, sha256(""));  // in the order of the text
  std::string upper = digest.hex();
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(Digest::from_hex(upper), digest);
}

TEST(Digest, RefusesOtherText) {
  EXPECT_THROW(Digest::from_hex(""), InputError);
  EXPECT_THROW(Digest::from_hex(std::string(63, 'a')), InputError);
  EXPECT_THROW(Digest::from_hex(std::string(65, 'a')), InputError);
  EXPECT_THROW(Digest::from_hex(std::string(63, 'a') + "g"), InputError);
}

}  // namespace
}  // namespace emosweep
